# Runtime of auto-encoders of images: pictures of views, turning poses and where poses lie.
_base_ = ['./default_runtime.py']
default_hooks = dict(visualization=dict(_delete_=True, type='ViewPicturesHook'))
