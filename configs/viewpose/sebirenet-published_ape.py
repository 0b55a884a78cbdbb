# What the authors' published code does where it differs from the paper: other weights, no symmetry
# loss, GRU biases, no output layer in the nodes, a decoder with 3 units, poses in units of about
# 0.3 m. (It also squares the distances of Eq. 9 and 10; here they are the paper's.)
_base_ = ['./sebirenet_ape.py']
nodes = dict(gate_bias=True, output_layer=False, unit=300.)
model = dict(
    encoder=nodes,
    decoder=dict(hidden_channels=3, **nodes),
    feature=1.,
    orthogonality=5.,
    symmetry=0.,
    unit=300.)
synthetic_config = 'configs/viewpose/sebirenet_synthetic.py'
