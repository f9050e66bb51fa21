"""A page in the browser: photograph, degradation, solver; watch, step in, take everything home.

    page (Gradio) -> events -> Session -> Run -> Job on the Line -> `solve`

All but the page and its events are plain Python. A `RestorationRecipe` is made from the words of an
`inverse restore` command, so the command that the page shows is what it does.
"""
