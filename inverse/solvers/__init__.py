"""Published solvers, and ours, as compositions of the same few parts: one factory per file."""

from inverse.solvers._cm4ir import cm4ir
from inverse.solvers._cycle import cycle
from inverse.solvers._daps import daps
from inverse.solvers._ddnm import ddnm
from inverse.solvers._ddnm_plus import ddnm_plus
from inverse.solvers._ddrm import ddrm
from inverse.solvers._diffpir import diffpir
from inverse.solvers._dmps import dmps
from inverse.solvers._dps import dps
from inverse.solvers._fast_dips import fast_dips
from inverse.solvers._flowchef import flowchef
from inverse.solvers._flowdps import flowdps
from inverse.solvers._flower import flower
from inverse.solvers._fps_smc import fps_smc
from inverse.solvers._guided_flow import guided_flow
from inverse.solvers._idm import idm
from inverse.solvers._ilvr import ilvr
from inverse.solvers._informed import informed
from inverse.solvers._latino import latino
from inverse.solvers._ldps import ldps
from inverse.solvers._lgd import lgd
from inverse.solvers._ltsp import ltsp
from inverse.solvers._lvtino import lvtino
from inverse.solvers._mcg import mcg
from inverse.solvers._mcgdiff import mcgdiff
from inverse.solvers._mgps import mgps
from inverse.solvers._mmps import mmps
from inverse.solvers._momentum import momentum
from inverse.solvers._mpgd import mpgd
from inverse.solvers._nested import nested
from inverse.solvers._nested_latent import nested_latent
from inverse.solvers._nested_nonlinear import nested_nonlinear
from inverse.solvers._nested_posterior import nested_posterior
from inverse.solvers._nested_video import nested_video
from inverse.solvers._once import once
from inverse.solvers._pigdm import pigdm
from inverse.solvers._pnpdm import pnpdm
from inverse.solvers._pnpflow import pnpflow
from inverse.solvers._psld import psld
from inverse.solvers._rddm import rddm
from inverse.solvers._reddiff import reddiff
from inverse.solvers._repaint import repaint
from inverse.solvers._resample import resample
from inverse.solvers._resshift import resshift
from inverse.solvers._score_sde import score_sde
from inverse.solvers._sitcom import sitcom
from inverse.solvers._stsp import stsp
from inverse.solvers._tds import tds
from inverse.solvers._tmpd import tmpd
from inverse.solvers._uneven import uneven

__all__ = [
    "cm4ir",
    "cycle",
    "daps",
    "ddnm",
    "ddnm_plus",
    "ddrm",
    "diffpir",
    "dmps",
    "dps",
    "fast_dips",
    "flowchef",
    "flowdps",
    "flower",
    "fps_smc",
    "guided_flow",
    "idm",
    "ilvr",
    "informed",
    "latino",
    "ldps",
    "lgd",
    "ltsp",
    "lvtino",
    "mcg",
    "mcgdiff",
    "mgps",
    "mmps",
    "momentum",
    "mpgd",
    "nested",
    "nested_latent",
    "nested_nonlinear",
    "nested_posterior",
    "nested_video",
    "once",
    "pigdm",
    "pnpdm",
    "pnpflow",
    "psld",
    "rddm",
    "reddiff",
    "repaint",
    "resample",
    "resshift",
    "score_sde",
    "sitcom",
    "stsp",
    "tds",
    "tmpd",
    "uneven",
]
