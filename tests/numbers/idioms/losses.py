# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs
# (users annotate little)
"""Losses, likelihoods and divergences."""

from __future__ import annotations

import numpy as np
import scipy.special
from scipy.special import digamma, gammaln, log_ndtr, logsumexp, xlogy

from tests.numbers.idioms.idiom import Idiom, normal, positive_definite, uniform

EPS = np.finfo(float).eps


def softmax(z, axis=-1):
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def cross_entropy(logits, labels):
    n = logits.shape[0]
    probs = softmax(logits)
    assert np.allclose(probs.sum(axis=1), 1.0)
    return -np.log(probs[np.arange(n), labels] + 1e-12).mean()


def nll_with_smoothing(logits, labels, smoothing=0.1):
    K = logits.shape[-1]
    logp = logits - logsumexp(logits, axis=-1, keepdims=True)
    onehot = np.eye(K)[labels]
    target = onehot * (1 - smoothing) + smoothing / K
    return -(target * logp).sum(-1)


def distillation_kl(student, teacher, T=2.0):
    p = scipy.special.softmax(teacher / T, axis=1)
    log_q = scipy.special.log_softmax(student / T, axis=1)
    return T * T * np.mean(np.sum(p * (np.log(p) - log_q), axis=1))


def binary_cross_entropy(y_pred, y_true):
    y_pred = np.clip(y_pred, EPS, 1 - EPS)
    loss = y_true * np.log(y_pred) + (1 - y_true) * np.log(1 - y_pred)
    return -np.average(loss)


def huber(y, y_hat, delta=1.0):
    err = y - y_hat
    small = np.abs(err) <= delta
    squared = 0.5 * err**2
    linear = delta * (np.abs(err) - 0.5 * delta)
    return np.sum(np.where(small, squared, linear)) / small.size


def multiclass_hinge(W, X, y, reg=1e-3):
    # Crammer-Singer, as in the well-known assignment
    N = X.shape[0]
    scores = X.dot(W)
    correct = scores[range(N), y].reshape(-1, 1)
    margins = np.maximum(0, scores - correct + 1.0)
    margins[range(N), y] = 0
    loss = margins.sum() / N
    loss += reg * np.sum(W * W)
    return loss


def mvn_logpdf(x, mean, cov):
    d = mean.shape[0]
    sign, logdet = np.linalg.slogdet(cov)
    if sign <= 0:
        raise ValueError("covariance is not positive definite")
    r = x - mean
    maha = np.sum(r * np.linalg.solve(cov, r.T).T, axis=1)
    return -0.5 * (d * np.log(2 * np.pi) + logdet + maha)


def mixture_loglik(x, w, mu, log_sigma):
    logw = w - logsumexp(w)
    sigma = np.exp(log_sigma)
    comp = -0.5 * ((x[:, np.newaxis] - mu) / sigma) ** 2 - log_sigma - 0.5 * np.log(2 * np.pi)
    return logsumexp(logw + comp, axis=1).sum()


def neg_binomial_nll(counts, mu, alpha):
    r = 1 / alpha
    ll = gammaln(counts + r) - gammaln(r) - gammaln(counts + 1)
    ll += r * np.log(r / (r + mu)) + xlogy(counts, mu / (r + mu))
    return -ll.sum()


def dirichlet_kl(a, b):
    a0 = a.sum(-1)
    kl = gammaln(a0) - gammaln(b.sum(-1)) - np.sum(gammaln(a) - gammaln(b), axis=-1)
    kl += ((a - b) * (digamma(a) - digamma(a0)[..., None])).sum(-1)
    return kl


def ppo_objective(logp, old_logp, adv, clip_eps=0.2):
    adv = (adv - adv.mean()) / (adv.std() + 1e-8)
    ratio = np.exp(logp - old_logp)
    unclipped = ratio * adv
    clipped = np.clip(ratio, 1 - clip_eps, 1 + clip_eps) * adv
    return -np.minimum(unclipped, clipped).mean()


def censored_loglik(beta, X, t, observed):
    """Log-normal survival times; the censored ones add the log survival function."""
    sigma = np.exp(beta[-1])
    z = (np.log(t) - X @ beta[:-1]) / sigma
    ll = 0.0
    ll += np.sum(-0.5 * z[observed] ** 2 - np.log(sigma * t[observed]))
    ll += np.sum(log_ndtr(-z[~observed]))
    return ll


LABELS = np.array([2, 0, 1, 2])

IDIOMS = (
    Idiom("cross entropy by fancy index", "softmax", cross_entropy, (normal(80, 4, 3), LABELS)),
    Idiom("smoothed labels by rows of eye", "logsumexp", nll_with_smoothing, (normal(81, 4, 3), LABELS)),
    Idiom("distillation by scipy softmax", "softmax", distillation_kl, (normal(82, 3, 4), normal(83, 3, 4))),
    Idiom(
        "binary cross entropy with eps",
        "losses",
        binary_cross_entropy,
        (uniform(84, 0.1, 0.9, 5), np.array([0.0, 1.0, 1.0, 0.0, 1.0])),
    ),
    Idiom("huber by where", "losses", huber, (normal(85, 6) * 2, normal(86, 6))),
    Idiom("multiclass hinge", "losses", multiclass_hinge, (normal(87, 5, 3), normal(88, 4, 5), LABELS)),
    Idiom(
        "gaussian by slogdet", "likelihoods", mvn_logpdf, (normal(89, 4, 3), normal(90, 3), positive_definite(91, 3))
    ),
    Idiom(
        "mixture by logsumexp",
        "logsumexp",
        mixture_loglik,
        (normal(92, 6), normal(93, 3), normal(94, 3), normal(95, 3) / 3),
    ),
    Idiom(
        "negative binomial counts",
        "likelihoods",
        neg_binomial_nll,
        (np.array([3, 0, 2, 5, 1]), uniform(96, 1, 4, 5), uniform(97, 0.3, 0.9)),
    ),
    Idiom("dirichlet divergence", "likelihoods", dirichlet_kl, (uniform(98, 0.5, 3, 2, 3), uniform(99, 0.5, 3, 2, 3))),
    Idiom(
        "clipped policy objective", "losses", ppo_objective, (normal(100, 5) / 2, normal(101, 5) / 2, normal(102, 5))
    ),
    Idiom(
        "censored survival times",
        "likelihoods",
        censored_loglik,
        (normal(103, 3), normal(104, 5, 2), uniform(105, 0.5, 4, 5), np.array([True, False, True, True, False])),
    ),
)
