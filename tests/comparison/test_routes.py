import pytest

from headstart.comparison.routes import parse_labels, parse_routes, parse_settings
from headstart.errors import InputError


def names(routes):
    return [route.name for route in routes]


def test_all_labels_bring_the_supervised_ceiling_beside_scratch():
    assert "supervised" in names(parse_routes(None, [1, "all"], {}))
    assert "supervised" not in names(parse_routes(None, [1, 5], {}))
    assert names(parse_routes(["scratch"], ["all"], {})) == ["supervised", "raw", "random"]
    assert names(parse_routes(["simclr"], [1, "all"], {})) == ["simclr", "raw", "random"]


def test_a_route_of_ones_own_file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("from headstart.methods.joint_embedding.simclr import SimCLR\nclass Mine(SimCLR):\n    'Mine.'\n")
    for named in (f"{path}:Mine", "Mine"):
        settings = parse_settings([f"{named}.temperature=0.2"])
        route = parse_routes([f"{path}:Mine"], [1], settings)[0]
        assert (route.name, route.kind, route.settings) == ("Mine", "trained", {"temperature": 0.2})
    assert "/" not in route.folder


def test_a_setting_that_method_and_loop_have_is_the_methods():
    given = {"momentum": 0.5, "lr": 0.1}
    routes = parse_routes(["moco", "simclr"], [1], {"moco": given, "simclr": given})
    assert {route.name: (route.settings, route.training) for route in routes if route.kind == "trained"} == {
        "moco": ({"momentum": 0.5}, {"lr": 0.1}),
        "simclr": ({}, given),
    }


@pytest.mark.parametrize(
    ("routes", "settings", "message"),
    [
        (["raw", "raw"], {}, "twice"),
        (["raw"], {"raw": {"lr": 1}}, "no settings"),
        (["raw"], {"simclr": {"lr": 1}}, "no such route"),
        (["simclrr"], {}, "simclr"),
    ],
)
def test_wrong_routes_are_named(routes, settings, message):
    with pytest.raises(InputError, match=message):
        parse_routes(routes, [1], settings)


def test_settings_keep_their_type():
    parsed = parse_settings(
        ["simclr.temperature=0.1", "moco.queue-size=4096", "moco.symmetric=true", "byol.norm=group"]
    )
    assert parsed == {
        "simclr": {"temperature": 0.1},
        "moco": {"queue_size": 4096, "symmetric": True},
        "byol": {"norm": "group"},
    }


@pytest.mark.parametrize("entry", ["temperature=0.1", "simclr.temperature", "simclr", "=", "simclr.=1"])
def test_settings_without_a_route_or_value_are_refused(entry):
    with pytest.raises(InputError, match="--set"):
        parse_settings([entry])


def test_labels_are_sorted_and_unique():
    assert parse_labels("10,1,all,5,5") == [1, 5, 10, "all"]
    assert parse_labels([5, "all"]) == [5, "all"]
    assert parse_labels(None) is None


@pytest.mark.parametrize("text", ["0", "-1", "five", "1,,5", "", "1.5"])
def test_other_numbers_of_labels_are_refused(text):
    with pytest.raises(InputError, match="--labels-per-class"):
        parse_labels(text)


def test_a_method_that_builds_its_own_network_goes_on_from_no_other():
    with pytest.raises(InputError, match="architecture=backbone"):
        parse_routes(["efficientnet-lite0+autoencoder"], [1], {})
    name = "efficientnet-lite0+autoencoder"
    route, *_ = parse_routes([name], [1], {name: {"architecture": "backbone"}})
    assert route.encoder == "efficientnet-lite0"
