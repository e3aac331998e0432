# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs
# (users annotate little)
"""Points, rotations, cameras, distances and kernels."""

from __future__ import annotations

import numpy as np
from numpy.linalg import norm

from tests.numbers.idioms.idiom import Idiom, normal, uniform


def quat_rotate(q, v):
    q = q / np.linalg.norm(q)
    w, x, y, z = q
    R = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    return v @ R.T


def skew(v):
    return np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])


def rodrigues(rvec):
    theta = norm(rvec)
    if theta < 1e-12:
        return np.eye(3)
    K = skew(rvec / theta)
    return np.eye(3) + np.sin(theta) * K + (1 - np.cos(theta)) * K @ K


def reprojection_error(points, t, focal, pixels):
    cam = points @ rodrigues(np.array([0.1, -0.2, 0.05])).T + t
    xy = cam[:, :2] / cam[:, 2:3]
    r2 = np.sum(xy**2, axis=1, keepdims=True)
    xy = xy * (1 + 0.1 * r2 - 0.02 * r2**2)  # radial distortion
    residual = (focal * xy - pixels).ravel()
    return residual


def homogeneous_chain(angles, lengths):
    """Forward kinematics of a planar arm."""
    T = np.eye(3)
    joints = []
    for a, L in zip(angles, lengths, strict=True):
        c, s = np.cos(a), np.sin(a)
        T = T @ np.array([[c, -s, L * c], [s, c, L * s], [0, 0, 1]])
        joints.append(T[:2, 2])
    return np.vstack(joints)


def rbf_kernel(X, Y, gamma):
    sq = np.sum(X**2, 1)[:, None] + np.sum(Y**2, 1)[None, :] - 2 * X @ Y.T
    return np.exp(-gamma * np.maximum(sq, 0))


def lennard_jones(pos):
    n = pos.shape[0]
    i, j = np.triu_indices(n, k=1)
    r = np.sqrt(((pos[i] - pos[j]) ** 2).sum(axis=1))
    rc = 2.5
    r = r[r < rc]
    sr6 = (1.0 / r) ** 6
    return np.sum(4 * (sr6**2 - sr6))


def nearest_centroid(X, C):
    D = np.linalg.norm(X[:, None, :] - C[None, :, :], axis=-1)
    assign = D.argmin(axis=1)
    return (D[np.arange(len(X)), assign] ** 2).mean()


def polygon_area(pts):
    x, y = pts[:, 0], pts[:, 1]
    area = 0.5 * np.abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))
    perimeter = np.linalg.norm(pts - np.roll(pts, -1, axis=0), axis=1).sum()
    return 4 * np.pi * area / perimeter**2


def triangle_normals(verts):
    faces = np.array([[0, 1, 2], [0, 2, 3], [1, 3, 2]])
    a, b, c = verts[faces[:, 0]], verts[faces[:, 1]], verts[faces[:, 2]]
    n = np.cross(b - a, c - a)
    return n / np.linalg.norm(n, axis=1, keepdims=True)


def bilinear_sample(img, uv):
    u, v = uv[:, 0], uv[:, 1]
    u0 = np.clip(np.floor(u).astype(np.int64), 0, img.shape[0] - 2)
    v0 = np.clip(np.floor(v).astype(np.int64), 0, img.shape[1] - 2)
    du, dv = u - u0, v - v0
    top = img[u0, v0] * (1 - dv) + img[u0, v0 + 1] * dv
    bottom = img[u0 + 1, v0] * (1 - dv) + img[u0 + 1, v0 + 1] * dv
    return top * (1 - du) + bottom * du


SQUARE = np.array([[0.0, 0.1], [1.9, -0.1], [2.1, 1.2], [0.9, 2.0], [-0.2, 1.1]])

IDIOMS = (
    Idiom("quaternion rotation", "rotations", quat_rotate, (normal(190, 4), normal(191, 3, 3))),
    Idiom("rodrigues formula", "rotations", rodrigues, (normal(192, 3),)),
    Idiom(
        "reprojection error",
        "cameras",
        reprojection_error,
        (normal(193, 4, 3) / 2, np.array([0.1, -0.2, 4.0]), uniform(194, 2, 3), normal(195, 4, 2)),
    ),
    Idiom("planar arm by products", "rotations", homogeneous_chain, (normal(196, 3), uniform(197, 0.5, 1.5, 3))),
    Idiom(
        "rbf kernel by expansion", "kernels", rbf_kernel, (normal(198, 4, 2), normal(199, 3, 2), uniform(200, 0.3, 0.8))
    ),
    Idiom(
        "lennard-jones with cutoff",
        "distances",
        lennard_jones,
        (SQUARE @ np.array([[1.0, 0.2, 0.1], [0.1, 1.0, 0.3]]),),
    ),
    Idiom("nearest centroid by argmin", "distances", nearest_centroid, (normal(201, 5, 2), normal(202, 3, 2))),
    Idiom("roundness of a polygon", "distances", polygon_area, (SQUARE,)),
    Idiom("face normals by cross", "distances", triangle_normals, (normal(203, 4, 3),)),
    Idiom("bilinear sampling", "interpolation", bilinear_sample, (normal(204, 4, 5), uniform(205, 0, 3, 4, 2))),
)
