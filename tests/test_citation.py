"""One work, stated in several places: they say the same of it."""

import re
import tomllib

import pytest
import yaml
from pybtex.database import parse_file, parse_string

import maskdet
from maskdet.config import ROOT

CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf8"))
PAGE = (ROOT / "book/references.md").read_text(encoding="utf8")
QUOTED = parse_string("".join(re.findall(r"```bibtex\n(.*?)```", PAGE, re.S)), "bibtex").entries


def names(entry):
    """The authors of an entry as CITATION.cff writes them; one that is not a person has a name alone."""
    people = entry.persons["author"]
    return [{"given-names": " ".join(one.first_names), "family-names": " ".join(one.last_names)} if one.first_names
            else {"name": " ".join(one.last_names).strip("{}")} for one in people]


def stated(work):
    """What CITATION.cff says of a work, by the names of BibTeX."""
    year = work["date-released"].year if "date-released" in work else work["year"]
    fields = {"title": work["title"], "year": str(year), "version": work.get("version"),
              "url": work.get("repository-code")}
    return {name: value for name, value in fields.items() if value}


@pytest.mark.parametrize("key, work", [("maskdet", CITATION), ("hu2021", CITATION["references"][0])])
def test_the_quoted_bibtex_is_what_citation_cff_says(key, work):
    entry = QUOTED[key]
    assert names(entry) == work["authors"]
    assert {name: entry.fields[name] for name in ("title", "year", "version", "url") if name in entry.fields} \
        == stated(work)


def test_the_quoted_preprint_is_the_one_in_the_bibliography():
    listed = parse_file(str(ROOT / "book/references.bib")).entries["hu2021"]
    assert names(listed) == names(QUOTED["hu2021"])
    assert all(listed.fields[name] == value for name, value in QUOTED["hu2021"].fields.items())


def test_version_licence_and_address_are_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["project"]
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf8"))
    assert CITATION["version"] == project["version"] == maskdet.__version__
    assert CITATION["license"] == project["license"] and CITATION["license"] in (ROOT / "LICENSE").read_text()
    assert CITATION["repository-code"] == config["repository"]["url"]
    assert [one["name"] for one in CITATION["authors"]] == [config["author"]]
    released = f"## [{CITATION['version']}] - {CITATION['date-released']}"
    assert released in (ROOT / "CHANGELOG.md").read_text(encoding="utf8")
