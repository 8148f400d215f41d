"""Calls and surroundings: requirements, addresses, options, environment variables."""

from collections.abc import Mapping

from hostile.boxes import Box, Case, good


def _there(box: Box) -> None:
    box.pack(good())


def _asked(text: str, code: int = 2, *more: str) -> Case:
    return Case(_there, code, "", ("install", text, "--source", "{packs}", *more))


ADDRESSES: Mapping[str, Case] = {
    "a repository that nobody has": _asked("bad @ git+https://evil.example/x@main", 6, "--offline"),
    "a file in the place of a repository": _asked("bad @ file:///etc/passwd", 2),
    "an archive that nobody has": _asked("https://evil.example/x.tar.gz", 6, "--offline"),
    **{
        f"a requirement `{text[:40]}`": _asked(text)
        for text in (
            "bad @ https://user:secret@evil.example/x",
            "bad @ git+ext::sh -c id",
            "bad @ file://host/share",
            "bad @ javascript:alert(1)",
            "bad @ data:text/plain,x",
            "bad @ oci://evil.example/x",
            "bad @ https://evil.example/x#subdirectory=../../..",
            "../bad",
            "/etc/passwd",
            "-rbad",
            "bad;python_version>'3'",
            "bad[",
            "bad[x",
            "bad[]]",
            "bad[../x]",
            "bad==",
            "bad@",
            "bad@@1",
            "bad==1.0.0; rm -rf /",
            "bad\nother",
            "\x1b]52;c;evil\x07",
            "b\u0430d",
            "ｂａｄ",
            "",
            " ",
        )
    },
}
OPTIONS: Mapping[str, Case] = {
    "a name of 15,000 letters": Case(_there, 4, "has no pack", ("install", "bad" * 5_000, "--source", "{packs}")),
    "a version of 10,000 digits": Case(
        _there, 4, "no release", ("install", "bad==" + "9" * 10_000, "--source", "{packs}")
    ),
    "a source that is not there": Case(_there, 2, "", ("install", "bad", "--source", "/no/such")),
    "a source that is a file": Case(_there, 2, "", ("install", "bad", "--source", "/etc/passwd")),
    "a client that climbs": Case(_there, 2, "", ("install", "bad", "--source", "{packs}", "--client", "../x")),
    "a parameter that is none": Case(_there, 2, "", ("install", "bad", "--source", "{packs}", "--set", "a=b")),
    "a parameter without a value": Case(_there, 2, "", ("install", "bad", "--source", "{packs}", "--set", "a")),
    "an acceptance that is none": Case(
        _there, 2, "", ("install", "bad", "--source", "{packs}", "--accept", "everything-you-like")
    ),
    "a root that is not there": Case(_there, 2, "", ("install", "bad", "--root", "/no/such")),
    "a root that is a file": Case(_there, 2, "", ("install", "bad", "--root", "/etc/passwd")),
    "a generation of 400 digits": Case(_there, 2, "", ("rollback", "9" * 400)),
    "a negative generation": Case(_there, 2, "", ("rollback", "--", "-1")),
    "adopting a secret": Case(_there, 2, "", ("adopt", "/etc/passwd")),
    "adopting what climbs": Case(_there, 2, "", ("adopt", "../outside/canary")),
    "adopting a folder": Case(_there, 2, "", ("adopt", ".")),
}


def _environment(exit_code: int, says: str = "", **variables: str) -> Case:
    return Case(_there, exit_code, says, ("install", "bad", "--source", "{packs}", "--user"), variables)


ENVIRONMENT: Mapping[str, Case] = {
    "a relative home": _environment(2, HOME="home"),
    "a home that is a file": _environment(5, HOME="/etc/passwd"),
    "a home that is a device": _environment(5, HOME="/dev/null"),
    "a configuration folder that is a file": _environment(5, XDG_CONFIG_HOME="/etc/passwd"),
    "a state folder that is a file": _environment(5, XDG_STATE_HOME="/etc/passwd"),
    "a state folder that is a device": _environment(5, XDG_STATE_HOME="/dev/full"),
    "a client's folder that is a device": _environment(5, CLAUDE_CONFIG_DIR="/dev/null"),
    "a client's folder that is a file": _environment(5, CLAUDE_CONFIG_DIR="/etc/passwd"),
}
