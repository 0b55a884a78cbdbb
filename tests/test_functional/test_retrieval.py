"""Retrieval against loops in float64."""
import numpy as np
import pytest
import torch

from mmviewpose.functional import (cross_view_retrieval, distance_by_pose, hit_at, mean_at, nearest,
                                   oracle, pa_mpjpe_of, random_candidates, retrieval)


def made(count=48, dim=6, joints=7, views=3, subjects=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    poses = 200 * torch.randn(count, joints, 3, generator=generator, dtype=torch.float64)
    return dict(embeddings=torch.randn(count, dim, generator=generator), poses=poses,
                view=torch.arange(count) % views, subject=torch.arange(count) // 4 % subjects)


def looped(query, gallery, k, excluded, values=None):
    """Distances and indices; ``values`` (N, G) take the place of Euclidean distances."""
    query, gallery = query.double().numpy(), gallery.double().numpy()
    excluded, found = [(a.tolist(), b.tolist()) for a, b in excluded], []
    for i in range(len(query)):
        candidates = []
        for j in range(len(gallery)):
            if all(a[i] != b[j] for a, b in excluded):
                value = np.sqrt(((query[i] - gallery[j])**2).sum()) if values is None \
                    else values[i, j].item()
                candidates.append((value, j))
        found.append(sorted(candidates)[:k])
    return tuple(torch.tensor([[pair[n] for pair in row] for row in found]) for n in (0, 1))


def pairs_of(values, *names):
    return [(values[name], values[name]) for name in names]


@pytest.mark.parametrize('names', [(), ('view', ), ('view', 'subject'), ('item', )])
@pytest.mark.parametrize('k', [1, 5, 16])
def test_nearest_is_that_of_loops(names, k):
    values = dict(made(), item=torch.arange(48))
    excluded = pairs_of(values, *names)
    distances, indices = nearest(values['embeddings'], values['embeddings'], k, excluded)
    expected, order = looped(values['embeddings'], values['embeddings'], k, excluded)
    assert torch.equal(indices, order) and distances.dtype == torch.float32
    torch.testing.assert_close(distances, expected.float(), rtol=1e-6, atol=0.)


def test_other_gallery_and_dtypes():
    query, gallery = made(5, seed=1)['embeddings'], made(30, seed=2)['embeddings']
    excluded = [(torch.arange(5) % 2, torch.arange(30) % 3)]
    _, order = looped(query, gallery, 4, excluded)
    for dtype in (torch.float32, torch.float64):
        distances, indices = nearest(query.to(dtype), gallery.to(dtype), 4, excluded)
        assert torch.equal(indices, order) and distances.dtype == dtype
    half, _ = nearest(query.half(), gallery.half(), 4, excluded)
    torch.testing.assert_close(half, distances.half(), rtol=1e-2, atol=0.)
    assert nearest(query[:0], gallery, 4)[0].shape == (0, 4)


def test_all_chunk_sizes_agree():
    values = made(90)
    excluded = pairs_of(values, 'view')
    whole = nearest(values['embeddings'], values['embeddings'], 7, excluded)
    for chunk in (1, 90, 91, 200, 1000):
        part = nearest(values['embeddings'], values['embeddings'], 7, excluded, chunk)
        assert all(torch.equal(a, b) for a, b in zip(whole, part))


def test_far_from_the_origin_rounding_changes_nothing():
    values = made(200)['embeddings'] + 1e3
    distances, indices = nearest(values, values, 9)
    expected, order = looped(values, values, 9, [])
    assert torch.equal(indices, order) and (distances[:, 0] == 0).all()
    torch.testing.assert_close(distances, expected.float(), rtol=1e-6, atol=0.)


@pytest.mark.parametrize('kinds', [1, 2, 40])
@pytest.mark.parametrize('chunk', [1, 300, 1 << 20])
def test_duplicates_come_by_index(kinds, chunk):
    """Also where many more are equal than are asked for, and nothing but rounding tells apart."""
    values = made(100)
    embeddings = values['embeddings'][torch.arange(100) % kinds]
    excluded = pairs_of(values, 'view')
    distances, indices = nearest(embeddings, embeddings, 3, excluded, chunk)
    expected, order = looped(embeddings, embeddings, 3, excluded)
    assert torch.equal(indices, order)
    torch.testing.assert_close(distances, expected.float())


def test_outliers_cost_no_accuracy():
    embeddings = made(150)['embeddings']
    embeddings[3] *= 1e6
    _, indices = nearest(embeddings, embeddings, 4)
    assert torch.equal(indices, looped(embeddings, embeddings, 4, [])[1])


def test_too_few_candidates_are_named():
    values = made(12, views=3)
    values['view'][5:] = 1
    embeddings, excluded = values['embeddings'], pairs_of(values, 'view')
    with pytest.raises(ValueError, match='query 1 has 3 candidates that are allowed, k is 4'):
        nearest(embeddings, embeddings, 4, excluded, chunk=1)
    with pytest.raises(ValueError, match='query 1 has 3 candidates that are allowed, k is 4'):
        oracle(values['poses'], values['poses'], 4, excluded)
    with pytest.raises(ValueError, match='query 1 has 3 candidates that are allowed, k is 4'):
        random_candidates(12, 12, 4, excluded)
    with pytest.raises(ValueError, match='query 0 has 12 candidates, k is 13'):
        nearest(embeddings, embeddings, 13)
    with pytest.raises(ValueError, match='at least 1'):
        nearest(embeddings, embeddings, 0)


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_what_is_not_finite_is_named(value):
    good, poses = made()['embeddings'], made()['poses']
    bad = good.clone()
    bad[7, 2] = value
    with pytest.raises(ValueError, match='query embedding 7 is not finite'):
        nearest(bad, good, 2)
    with pytest.raises(ValueError, match='gallery embedding 7 is not finite'):
        nearest(good, bad, 2)
    wrong = poses.clone()
    wrong[9, 0, 1] = value
    with pytest.raises(ValueError, match='pose of candidate 9 is not finite'):
        oracle(poses, wrong, 2)


def test_shapes_are_checked():
    embeddings = made()['embeddings']
    with pytest.raises(ValueError, match=r'\(48, 6\) and \(48, 5\)'):
        nearest(embeddings, embeddings[:, :5], 2)
    with pytest.raises(ValueError, match=r'labels 0 .* must be \(48,\)'):
        nearest(embeddings, embeddings, 2, [(torch.arange(3), torch.arange(48))])
    with pytest.raises(ValueError, match='whole numbers'):
        nearest(embeddings, embeddings, 2, [(torch.zeros(48), torch.zeros(48))])


# ---------------------------------------------------------------------------------------
# Poses


def aligned_error(pred, target):
    """PA-MPJPE of one pair by a singular value decomposition."""
    pred, target = pred - pred.mean(0), target - target.mean(0)
    u, s, vt = np.linalg.svd(target.T @ pred)
    sign = np.array([1., 1., np.sign(np.linalg.det(u @ vt))])
    aligned = (s * sign).sum() / (pred**2).sum() * pred @ (u * sign @ vt).T
    return np.linalg.norm(aligned - target, axis=1).mean()


def all_errors(poses_q, poses_g):
    """Of pairs one by one, (N, G)."""
    return torch.tensor([[aligned_error(g, q) for g in poses_g.numpy()] for q in poses_q.numpy()])


@pytest.mark.parametrize('pairs', [1, 7, 1 << 14])
def test_errors_and_oracle_are_those_of_loops(monkeypatch, pairs):
    monkeypatch.setattr(retrieval, '_PAIRS', pairs)
    values = made(20)
    query = values['poses'][:6]
    every = all_errors(query, values['poses'])
    indices = torch.randint(20, (6, 4), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(pa_mpjpe_of(query, values['poses'], indices),
                               every.gather(1, indices))
    excluded = [(values['view'][:6], values['view'])]
    reported = []
    errors, order = oracle(query, values['poses'], 5, excluded, reported.append)
    expected, place = looped(query, values['poses'], 5, excluded, every)
    assert torch.equal(order, place) and sum(reported) == 6
    torch.testing.assert_close(errors, expected.double())


def test_the_retrieved_pose_is_what_is_aligned():
    pose = made(1)['poses']
    turned = made(1, seed=3)['poses']
    error = pa_mpjpe_of(pose, 3 * turned, torch.zeros(1, 1).long())
    assert error.item() == pytest.approx(aligned_error(turned[0].numpy(), pose[0].numpy()))


def test_figures_by_hand():
    errors = torch.tensor([[10., 30.], [60., 20.]])
    assert mean_at(errors, (1, 2)) == {1: 35., 2: 30.}
    assert hit_at(errors, (1, 2), 30.) == {1: 50., 2: 100.}
    assert hit_at(errors, (1, ), 10.) == {1: 0.}        # not below
    for wrong in (0, 3):
        with pytest.raises(ValueError, match='1 to 2'):
            mean_at(errors, (1, wrong))
    with pytest.raises(ValueError, match='0 queries'):
        hit_at(errors[:0], (1, ), 1.)


def test_random_candidates_are_allowed_and_even():
    view = torch.arange(30) % 3
    drawn = random_candidates(30, 30, 20, [(view, view)], seed=4)
    for row, place in zip(drawn, range(30)):
        assert len(row.unique()) == 20 and (view[row] != view[place]).all()
    assert torch.equal(drawn, random_candidates(30, 30, 20, [(view, view)], seed=4))
    counts = torch.bincount(random_candidates(4000, 5, 1).flatten(), minlength=5)
    assert (counts - 800).abs().max() < 120     # about five standard deviations


def test_cases_against_loops():
    values = made(40)
    found = cross_view_retrieval(**values, ks=(1, 3), threshold=150., oracle_queries=40)
    every = all_errors(values['poses'], values['poses'])
    for name, labels in (('same', ('view', )), ('cross', ('view', 'subject'))):
        excluded = pairs_of(values, *labels)
        _, order = looped(values['embeddings'], values['embeddings'], 3, excluded)
        lowest, _ = looped(values['poses'], values['poses'], 3, excluded, every)
        errors, case = every.gather(1, order), found[name]
        for k in (1, 3):
            mean, best = errors[:, :k].mean().item(), lowest[:, :k].double().mean().item()
            assert case.mean[k] == pytest.approx(mean) and case.oracle[k] == pytest.approx(best)
            assert case.relative[k] == pytest.approx(mean - best) and case.relative[k] > 0
            hits = [any(error < 150. for error in row[:k]) for row in errors.tolist()]
            assert case.hit[k] == pytest.approx(100 * sum(hits) / 40)
            assert case.oracle[k] < case.random[k]
        assert case.num_queries == case.num_drawn == 40


def test_the_oracle_is_compared_on_its_own_queries():
    values = made(40)
    case = cross_view_retrieval(**values, ks=(2, ), oracle_queries=5, seed=2)['same']
    drawn = torch.randperm(40, generator=torch.Generator().manual_seed(2))[:5].sort().values
    excluded = pairs_of(values, 'view')
    every = all_errors(values['poses'], values['poses'])
    _, order = looped(values['embeddings'], values['embeddings'], 2, excluded)
    lowest, _ = looped(values['poses'], values['poses'], 2, excluded, every)
    ours = every.gather(1, order)[drawn].mean()
    assert case.relative[2] == pytest.approx((ours - lowest[drawn].double().mean()).item())
    assert case.num_drawn == 5 and case.num_queries == 40
    again = cross_view_retrieval(**values, ks=(2, ), oracle_queries=5, seed=2)['same']
    assert again == case


def test_an_embedding_that_is_the_pose_beats_chance():
    values = made(120)
    values['poses'] = values['poses'][torch.arange(120) // 3]      # three views of a moment
    values['embeddings'] = values['poses'].flatten(1).float()
    values['view'], values['subject'] = torch.arange(120) % 3, torch.zeros(120).long()
    found = cross_view_retrieval(**values, ks=(1, 2, 5))
    assert set(found) == {'same'}       # one subject
    case = found['same']
    assert case.mean[2] < 1e-3 and case.hit[1] == 100
    assert case.relative[5] < case.random[5] - case.oracle[5]


def test_one_view_and_lengths_are_errors():
    values = made()
    with pytest.raises(ValueError, match=r'two views, there is view \[0\]'):
        cross_view_retrieval(**dict(values, view=0 * values['view']))
    with pytest.raises(ValueError, match='differ in length'):
        cross_view_retrieval(**dict(values, view=values['view'][:-1]))
    values['poses'][3] = float('nan')
    with pytest.raises(ValueError, match='pose 3 is not finite'):
        cross_view_retrieval(**values)


@pytest.mark.parametrize('pairs', [1, 1 << 14])
def test_distance_by_pose_is_that_of_loops(monkeypatch, pairs):
    monkeypatch.setattr(retrieval, '_PAIRS', pairs)
    values, edges = made(32), [200., 400., 450., 500., 5000., 6000.]
    found = distance_by_pose(**values, bins=edges)
    sums, counts = np.zeros((2, 5)), np.zeros((2, 5), dtype=int)
    for i in range(32):
        for j in range(32):
            if i == j or values['subject'][i] != values['subject'][j]:
                continue
            apart = values['poses'][i] - values['poses'][j]
            error = np.linalg.norm(apart.numpy(), axis=1).mean()
            for place in range(5):
                if edges[place] <= error < edges[place + 1]:
                    other = int(values['view'][i] != values['view'][j])
                    a, b = (values['embeddings'][n].double() for n in (i, j))
                    sums[other, place] += (a - b).norm().item()
                    counts[other, place] += 1
    assert counts.sum(1).min() > 0
    assert found.same_count.tolist() == counts[0].tolist()
    assert found.other_count.tolist() == counts[1].tolist()
    with np.errstate(invalid='ignore'):
        np.testing.assert_allclose(torch.stack(found[1:3]).numpy(), sums / counts)
    assert found.same_view[-1].isnan() and found.edges.tolist() == edges


def test_queries_are_drawn_of_each_subject():
    values = made(40)
    found = distance_by_pose(**values, bins=[0., 1e6], num_queries=2)
    sizes = torch.bincount(values['subject'])
    assert (found.same_count + found.other_count).item() == 2 * (sizes - 1).sum()
    again = distance_by_pose(**values, bins=[0., 1e6], num_queries=2)
    assert torch.equal(found.same_view, again.same_view)
    for edges in ([1.], [2., 1.], [1., 1.]):
        with pytest.raises(ValueError, match='increase'):
            distance_by_pose(**values, bins=edges)
