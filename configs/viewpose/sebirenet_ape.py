# The paper's training: APE, Eq. 11 with its weights, terms summed over the batch, plain gradient
# descent (Sec. 4.1).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/sebirenet.py',
    '../_base_/datasets/ape.py',
    '../_base_/schedules/sgd_paper.py',
]
model = dict(
    transfer=(0.01, 0.01),
    feature=0.1,
    feature_norm='frobenius',
    orthogonality=0.1,
    bone=1.,
    symmetry=1.,
    reduction='sum')
synthetic_config = 'configs/viewpose/sebirenet_synthetic.py'
