_base_ = ['./mcss_h36m-s1.py']  # Fig. 5, cnstr: no label
model = dict(pose_head=None)
val_evaluator = [dict(type='RetrievalMetric')]
test_evaluator = val_evaluator
