"""MkDocs hook: pages out of what lives elsewhere (notebooks, benchmarks, the list of solvers)."""

import ast
import base64
import html
import re
from pathlib import Path

import nbformat
from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
SOLVERS = """# Solvers

One factory per paper. Each takes a prior and gives a `Sampler`; the docstring says the update, the
source and where it departs from the released code.
"""
KINDS = {"image/png": "png", "image/jpeg": "jpg"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add every notebook with its pictures, the benchmarks with their figures, the solvers."""
    files.append(File.generated(config, "api/solvers.md", content=solvers()))
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        text, pictures = rendered(path)
        files.append(File.generated(config, f"notebooks/{path.stem}.md", content=text))
        for name, data in pictures.items():
            files.append(File.generated(config, f"notebooks/{name}", content=data))
    text = (ROOT / "benchmarks" / "README.md").read_text().replace("](../docs/", "](")
    files.append(File.generated(config, "benchmarks.md", content=text))
    for name in sorted(set(re.findall(r"\]\((results/[^)]+\.(?:png|jpg))\)", text))):
        path = str(ROOT / "benchmarks" / name)
        files.append(File.generated(config, name, abs_src_path=path))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Links to the benchmarks' own page, right in the repository, lead to the site's."""
    return markdown.replace("../benchmarks/README.md", "benchmarks.md")


def on_page_content(content: str, **_: object) -> str:
    """Set formulas as MathML, which browsers show without any script."""
    formula = r'<(span|div) class="arithmatex">\\[([](.*?)\\[)\]]</\1>'
    return re.sub(formula, _formula, content, flags=re.DOTALL)


def _formula(match: re.Match) -> str:
    display = "block" if match[1] == "div" else "inline"
    return convert(html.unescape(match[2]), display=display)


def solvers() -> str:
    """The reference of all solvers, which are named like their modules: so one by one."""
    tree = ast.parse((ROOT / "inverse" / "solvers" / "__init__.py").read_text())
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    names = [f"{node.module}.{alias.name}" for node in imports for alias in node.names]
    return SOLVERS + "".join(f"\n::: {name}\n" for name in names)


def rendered(path: Path) -> tuple[str, dict[str, bytes]]:
    """A notebook as Markdown, and the pictures that it shows by name."""
    parts, pictures = [], {}
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        for output in cell.outputs:
            data = output.get("data", {})
            kind = next((kind for kind in KINDS if kind in data), None)
            if kind:
                name = f"{path.stem}_{len(pictures)}.{KINDS[kind]}"
                pictures[name] = base64.b64decode(data[kind])
                parts.append(f"![what the cell above draws]({name})")
            elif output.output_type == "stream":
                parts.append(f"```text\n{output.text.rstrip()}\n```")
    source = f"*Run it yourself: `notebooks/{path.stem}.py`, or the `.ipynb` beside it.*"
    return "\n\n".join([*parts, source]) + "\n", pictures
