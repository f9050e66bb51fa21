"""Published solvers, and ours, as compositions of the same few parts: one factory per file."""

from inverse.solvers.cycle import cycle
from inverse.solvers.daps import daps
from inverse.solvers.ddnm import ddnm
from inverse.solvers.ddnm_plus import ddnm_plus
from inverse.solvers.ddrm import ddrm
from inverse.solvers.diffpir import diffpir
from inverse.solvers.dmps import dmps
from inverse.solvers.dps import dps
from inverse.solvers.flowchef import flowchef
from inverse.solvers.flowdps import flowdps
from inverse.solvers.fps_smc import fps_smc
from inverse.solvers.guided_flow import guided_flow
from inverse.solvers.ilvr import ilvr
from inverse.solvers.latino import latino
from inverse.solvers.ldps import ldps
from inverse.solvers.lgd import lgd
from inverse.solvers.ltsp import ltsp
from inverse.solvers.mcg import mcg
from inverse.solvers.mcgdiff import mcgdiff
from inverse.solvers.mgps import mgps
from inverse.solvers.mmps import mmps
from inverse.solvers.momentum import momentum
from inverse.solvers.mpgd import mpgd
from inverse.solvers.nested import nested
from inverse.solvers.nested_latent import nested_latent
from inverse.solvers.nested_posterior import nested_posterior
from inverse.solvers.pigdm import pigdm
from inverse.solvers.pnpdm import pnpdm
from inverse.solvers.pnpflow import pnpflow
from inverse.solvers.psld import psld
from inverse.solvers.reddiff import reddiff
from inverse.solvers.repaint import repaint
from inverse.solvers.resample import resample
from inverse.solvers.score_sde import score_sde
from inverse.solvers.sitcom import sitcom
from inverse.solvers.stsp import stsp
from inverse.solvers.tds import tds
from inverse.solvers.tmpd import tmpd

__all__ = [
    "cycle",
    "daps",
    "ddnm",
    "ddnm_plus",
    "ddrm",
    "diffpir",
    "dmps",
    "dps",
    "flowchef",
    "flowdps",
    "fps_smc",
    "guided_flow",
    "ilvr",
    "latino",
    "ldps",
    "lgd",
    "ltsp",
    "mcg",
    "mcgdiff",
    "mgps",
    "mmps",
    "momentum",
    "mpgd",
    "nested",
    "nested_latent",
    "nested_posterior",
    "pigdm",
    "pnpdm",
    "pnpflow",
    "psld",
    "reddiff",
    "repaint",
    "resample",
    "score_sde",
    "sitcom",
    "stsp",
    "tds",
    "tmpd",
]
