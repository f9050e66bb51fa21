"""Faster priors: each switch gives the same function, or a near one; nothing is left behind."""

import pytest
import torch

from inverse.levels import VE, VP, Discrete
from inverse.priors import ClassifierFree, DiffusersPrior, EDMPrior, Reused, Tiled, faster
from inverse.priors.cheaper.parted import Halves
from inverse.priors.cheaper.reused import Deep
from inverse.samplers import Iterate, Reusing, reusing
from inverse.solvers import ddnm, dps, mcgdiff, nested
from inverse.solving import Budget, Planned, plan, solve
from operators import Rng, gaussian, inpaint_random, measure
from tests.inverse.solver_cases import tiny_prior

SHAPE, LEVEL = (3, 16, 16), VE()(0.5)


def states(batch: int = 2, seed: int = 0) -> torch.Tensor:
    return torch.randn(batch, *SHAPE, generator=torch.Generator().manual_seed(seed))


def problem(batch: int = 2):
    mask = inpaint_random(SHAPE, keep=0.5)
    return measure(mask, gaussian(0.05), states(batch).clamp(-1, 1), Rng(range(batch)))


def stir(network):
    """Weights away from their zero initialisation."""
    torch.manual_seed(0)
    for p in network.parameters():
        p.data += 0.05 * torch.randn(p.shape)
    return network.eval().requires_grad_(False)


def attention_unet(**options):
    from diffusers import UNet2DModel

    return stir(
        UNet2DModel(
            sample_size=16,
            block_out_channels=(16, 16, 32),
            layers_per_block=1,
            norm_num_groups=4,
            attention_head_dim=8,
            **{
                "down_block_types": ("AttnDownBlock2D", "ResnetDownsampleBlock2D", "DownBlock2D"),
                "up_block_types": ("UpBlock2D", "ResnetUpsampleBlock2D", "AttnUpBlock2D"),
                "resnet_time_scale_shift": "scale_shift",
            }
            | options,
        )
    )


def transformer():
    from diffusers import DiTTransformer2DModel

    return stir(
        DiTTransformer2DModel(
            num_attention_heads=2, attention_head_dim=8, in_channels=3, out_channels=3,
            num_layers=2, sample_size=16, patch_size=4, num_embeds_ada_norm=10,
        )
    )  # fmt: skip


PRIORS = {
    "edm": lambda: tiny_prior(),
    "unet": lambda: DiffusersPrior(attention_unet(), Discrete.linear(), shape=SHAPE),
    "classes": lambda: DiffusersPrior(
        attention_unet(num_class_embeds=10), Discrete.linear(), shape=SHAPE, label=3
    ),
    "dit": lambda: DiffusersPrior(transformer(), Discrete.linear(), shape=SHAPE, label=3),
}


@pytest.fixture(params=PRIORS)
def prior(request):
    return PRIORS[request.param]()


def weights_of(prior) -> list[tuple]:
    return [(p.data_ptr(), p.stride(), p.dtype) for p in prior.network.parameters()]


@pytest.mark.parametrize("layout", [True, False])
def test_the_layout_is_the_same_function(prior, layout):
    before, x = weights_of(prior), states()
    moved = faster(prior, channels_last=layout)
    kernels = [p for p in moved.network.parameters() if p.ndim == 4 and min(p.shape[:2]) > 1]
    assert all(p.is_contiguous(memory_format=torch.channels_last) == layout
               for p in kernels if p.shape[-1] > 1)  # fmt: skip
    assert torch.allclose(moved.denoise(x, LEVEL), prior.denoise(x, LEVEL), atol=1e-5)
    assert weights_of(prior) == before


@pytest.mark.parametrize("weights, near", [("int8", 0.03), ("float8", 0.1)])
def test_weights_of_eight_bits_are_small_and_near(weights, near):
    pytest.importorskip("optimum.quanto", reason="optimum-quanto is an extra (quant)")
    prior, x = tiny_prior(), states()
    before = weights_of(prior)
    small = faster(prior, weights=weights, channels_last=True)
    change = small.denoise(x, LEVEL) - prior.denoise(x, LEVEL)
    assert 0 < float(change.norm() / prior.denoise(x, LEVEL).norm()) < near
    kept = sum(t.numel() * t.element_size() for t in small.network.state_dict().values())
    assert kept < 0.4 * sum(p.numel() * 4 for p in prior.network.parameters())
    assert weights_of(prior) == before


def test_compiling_compiles_the_network_alone(monkeypatch):
    """The compiler itself takes minutes here; what it is given is the network, or its halves."""
    given = []
    monkeypatch.setattr(torch, "compile", lambda module: given.append(module) or module)
    prior, x = tiny_prior(), states()
    assert torch.equal(faster(prior, compile=True).denoise(x, LEVEL), prior.denoise(x, LEVEL))
    faster(prior, compile=True, reuse=2)
    assert given[0] is prior.network and isinstance(given[1], Halves)


def test_alone_a_reusing_prior_is_the_prior_itself(prior):
    reused = faster(prior, reuse=3)
    for seed in range(3):
        x = states(seed=seed)
        assert torch.allclose(reused.denoise(x, LEVEL), prior.denoise(x, LEVEL), atol=1e-6)
    hooked = [m for m in prior.network.modules() if hasattr(m, "_diffusers_hook")]
    assert not hooked and reused.memory is None


def calls(reused: Reused, levels: list[float], xs=None) -> list[torch.Tensor]:
    """Estimates of calls in a row, with a memory."""
    reused.memory, out = Deep(None, 0, 0.0, ()), []
    for k, nsr in enumerate(levels):
        out.append(reused.denoise(states(seed=k) if xs is None else xs[k], VE()(nsr)))
    reused.memory = None
    return out


def exact(prior, levels: list[float], out, xs=None) -> list[bool]:
    xs = xs or [states(seed=k) for k in range(len(levels))]
    return [
        torch.allclose(o, prior.denoise(x, VE()(nsr)), atol=1e-6)
        for o, x, nsr in zip(out, xs, levels, strict=True)
    ]


def test_features_are_new_at_every_third_call_and_old_in_between(prior):
    levels = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]
    out = calls(faster(prior, reuse=3), levels)
    assert exact(prior, levels, out) == [True, False, False, True, False, False, True]


def test_features_of_the_same_state_change_nothing(prior):
    levels, xs = [0.5, 0.5, 0.5], [states()] * 3
    assert all(exact(prior, levels, calls(faster(prior, reuse=3), levels, xs), xs))


def test_features_are_new_where_noise_rises_or_the_shape_changes(prior):
    levels = [0.5, 0.4, 0.9, 0.8]
    assert exact(prior, levels, calls(faster(prior, reuse=4), levels)) == [True, False] * 2
    xs = [states(2), states(2), states(3), states(3)]
    out = calls(faster(prior, reuse=4), [0.5] * 4, xs)
    assert exact(prior, [0.5] * 4, out, xs)[2]


def test_gradients_are_those_of_the_prior(prior):
    reused, xs = faster(prior, reuse=2), [states(seed=k).requires_grad_() for k in range(2)]
    for out, x in zip(calls(reused, [0.5, 0.4], xs), xs, strict=True):
        grad = torch.autograd.grad(out.square().sum(), x)[0]
        want = prior.denoise(x, VE()(0.5 if x is xs[0] else 0.4))
        assert torch.allclose(grad, torch.autograd.grad(want.square().sum(), x)[0], atol=1e-4)


WALKS = {
    "nested": lambda prior: nested(prior, outer_steps=3, equivariant=False),
    "ddnm": lambda prior: ddnm(prior, steps=6),
}


@pytest.fixture(params=WALKS)
def walk(request):
    return WALKS[request.param](faster(tiny_prior(), reuse=2))


def finals(sampler, batch=2, seeds=None):
    return solve(sampler, problem(batch), Rng(seeds or range(batch))).x0


def test_a_walk_that_reuses_is_near_and_repeats_itself(walk):
    exactly = torch.cat([i.x0 for i in list(walk.iterate(problem(), Rng([0, 1])))[-1:]])
    one, two = finals(walk), finals(walk)
    assert torch.equal(one, two)
    assert 0 < float((one - exactly).norm() / exactly.norm()) < 0.2


def test_a_sample_does_not_depend_on_its_batch(walk):
    many = solve(walk, problem(3), Rng([5, 6, 7])).x0
    alone = solve(walk, problem(3)[1:2], Rng([6])).x0
    assert torch.allclose(many[1:2], alone, atol=1e-5)


def test_two_walks_at_once_do_not_meet(walk):
    sampler = Reusing(walk)
    walks = [sampler.iterate(problem(), Rng([s, s + 1])) for s in (0, 10)]
    pairs = list(zip(*walks, strict=True))
    for k, seed in enumerate((0, 10)):
        assert torch.equal(pairs[-1][k].x0, finals(walk, seeds=[seed, seed + 1]))


def test_resuming_is_exact(walk):
    sampler, rng = Reusing(walk), Rng([0, 1])
    begun: list[Iterate] = []
    for iterate in sampler.iterate(problem(), rng):
        begun.append(iterate)
        if iterate.step == 2:
            break
    rest = list(sampler.iterate(problem(), rng, begun[-1]))
    assert rest[0].step == 3 and torch.equal(rest[-1].x0, finals(walk))


def test_nothing_stays_in_the_prior(walk):
    reused = next(m for m in walk.modules() if isinstance(m, Reused))
    finals(walk)
    assert reused.memory is None and reused.network.slot is None
    for _ in Reusing(walk).iterate(problem(), Rng([0, 1])):
        assert reused.memory is None
        break


def test_a_planned_walk_reuses_too(walk):
    result = solve(plan(walk, Budget(nfe=6)), problem(), Rng([0, 1]))
    exact = solve(Planned(WALKS["ddnm"](tiny_prior()), Budget(nfe=6)), problem(), Rng([0, 1]))
    assert result.nfe <= 6 and float((result.x0 - exact.x0).norm()) > 0


def test_a_transformer_walks_too():
    prior = PRIORS["dit"]()
    sampler = ddnm(faster(prior, reuse=2), steps=6)
    assert torch.equal(finals(sampler), finals(sampler))
    assert 0 < float((finals(sampler) - finals(ddnm(prior, steps=6))).norm())


def test_solvers_that_differentiate_are_exact():
    prior = tiny_prior()
    assert torch.equal(finals(dps(faster(prior, reuse=2), steps=3)), finals(dps(prior, steps=3)))


def test_each_prior_of_a_pair_has_features_of_its_own():
    prior = PRIORS["classes"]()
    known, free = (faster(prior.labelled(k), reuse=2) for k in (3, 9))
    sampler = ddnm(ClassifierFree(known, free, 1.0), steps=4)  # weight 1: the known one alone
    assert torch.allclose(finals(sampler), finals(ddnm(known, steps=4)), atol=1e-5)


def test_what_turns_tiles_or_resamples_is_refused():
    reused = faster(tiny_prior(), reuse=2)
    for sampler in (nested(reused), ddnm(Tiled(reused, 8)), mcgdiff(reused)):
        with pytest.raises(ValueError, match="the same picture"):
            Reusing(sampler)
    plain = nested(tiny_prior())
    assert reusing(plain) is plain


def test_bad_switches_are_refused():
    prior = tiny_prior()
    with pytest.raises(ValueError, match="reuse must be 1"):
        faster(prior, reuse=0)
    with pytest.raises(ValueError, match="weights must be one of int8, float8"):
        faster(prior, weights="int2")
    with pytest.raises(ValueError, match="want precision float32, got bf16"):
        faster(EDMPrior({"channels": [16, 16], "layers": 1}, "bf16"), weights="int8")
    with pytest.raises(ValueError, match="every must be 2 or more"):
        Reused(prior, 1)
    with pytest.raises(ValueError, match="UNet2DModel of two levels"):
        faster(DiffusersPrior(torch.nn.Identity(), Discrete.linear()), reuse=2)
    fourier = DiffusersPrior.__new__(DiffusersPrior)
    torch.nn.Module.__init__(fourier)
    fourier.network = attention_unet(center_input_sample=True)
    with pytest.raises(ValueError, match="cannot be parted"):
        faster(fourier, reuse=2)


def test_the_path_of_the_state_does_not_matter():
    reused, x = faster(tiny_prior(), reuse=2), states()
    level = VP().at(0.8)
    assert torch.allclose(
        reused.denoise(level.alpha * x, level), reused.denoise(x, VE()(0.8)), atol=1e-5
    )
