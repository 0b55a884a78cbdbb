import sys

import pytest

from mmviewpose import doctor

pytest.importorskip('mmpose')


def test_a_whole_environment(capsys):
    assert doctor.main() == 0
    text = capsys.readouterr().out
    for word in ('python 3', 'torch ', 'numpy ', 'mmengine ', 'mmpose ', 'import mmpose.models'):
        assert word in text
    assert 'BROKEN' not in text


def test_what_is_missing_is_named_with_a_remedy(capsys, monkeypatch):
    real = doctor.version_of
    monkeypatch.setattr(doctor, 'version_of',
                        lambda *names: None if 'mmdet' in names else real(*names))
    monkeypatch.setattr(doctor, 'IMPORTS', ('no_such_package.models', ))
    assert doctor.main() == 1
    text = capsys.readouterr().out
    assert 'mmdet is not installed' in text and "pip install 'mmdet==3.2.0'" in text
    assert "import no_such_package.models fails" in text
    assert "install what provides 'no_such_package'" in text


@pytest.mark.parametrize('name, level, remedy', [
    ('mmpose', 'broken', "pip install --no-deps 'mmpose==1.3.2'"),
    ('mmaction2', 'note', "pip install --no-deps 'mmaction2==1.1.0'"),
    ('mmcv', 'broken', "pip install 'mmcv-lite==2.0.1'"),
    ('opencv-python', 'broken', "pip install 'opencv-python-headless"),
])
def test_remedies_are_commands_that_work(monkeypatch, name, level, remedy):
    real = doctor.version_of
    monkeypatch.setattr(doctor, 'version_of',
                        lambda *names: None if name in names else real(*names))
    found = [finding for finding in doctor.check_versions()
             if finding.text.startswith(f'{name} is not installed')]
    assert [finding.level for finding in found] == [level] and remedy in found[0].text


@pytest.mark.parametrize('versions, word', [
    (dict(mmaction2='1.2.0'), 'mmaction2==1.1.0'),
    (dict(setuptools='81.0.0'), 'setuptools<81'),
    ({'opencv-python': '4.9', 'opencv-contrib-python': '4.9'}, 'keep one'),
])
def test_known_traps(monkeypatch, versions, word):
    real = doctor.importlib.metadata.version
    monkeypatch.setattr(doctor.importlib.metadata, 'version',
                        lambda name: versions.get(name) or real(name))
    notes = [finding.text for finding in doctor.check_versions() if finding.level == 'note']
    assert any(word in text for text in notes)


def test_old_python(monkeypatch):
    monkeypatch.setattr(sys, 'version_info', (3, 8, 0))
    assert doctor.check_versions()[0].level == 'broken'
