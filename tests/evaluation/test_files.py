import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from headstart.errors import InputError
from headstart.evaluation import HEADS, Bank, classifier_head, has_classifier, load_head, save_head
from headstart.training import save_weights

X = torch.randn(60, 5, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] > 0).long()
CLASSES = ('a "b" <i>', "😀")


@pytest.mark.parametrize("name", list(HEADS))
def test_a_head_predicts_the_same_after_being_stored(tmp_path, name):
    fitted = HEADS[name].fit(Bank(X), torch.arange(0, 60, 2), Y[::2], 2)
    save_head(tmp_path, fitted, CLASSES)
    assert [path.name for path in tmp_path.iterdir()] == ["head.safetensors"]
    again, classes, temperature = load_head(tmp_path)
    assert temperature is None
    assert classes == CLASSES
    assert again.name == name
    assert again.settings == fitted.settings
    assert torch.equal(again.predict(X), fitted.predict(X))


def test_a_networks_own_classifier_becomes_a_head(tmp_path):
    layer = nn.Linear(5, 2)
    save_weights(layer, tmp_path / "classifier.safetensors")
    assert has_classifier(tmp_path)
    head = classifier_head(tmp_path)
    torch.testing.assert_close(head.predict(X), layer(X).softmax(1).detach())
    save_head(tmp_path, head, CLASSES)
    assert torch.equal(load_head(tmp_path)[0].predict(X), head.predict(X))
    assert head.settings == {}


def test_what_is_no_head_is_refused(tmp_path):
    assert not has_classifier(tmp_path)
    with pytest.raises(InputError, match="has no head to predict with"):
        load_head(tmp_path)
    with pytest.raises(InputError, match="can't be read as a linear classifier"):
        classifier_head(tmp_path)
    (tmp_path / "head.safetensors").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"head\.safetensors can't be read"):
        load_head(tmp_path)
    save_file({"a": torch.ones(1)}, tmp_path / "head.safetensors")
    with pytest.raises(InputError, match=r"head\.safetensors can't be read"):
        load_head(tmp_path)
