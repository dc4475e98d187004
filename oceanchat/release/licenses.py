"""License ids that the Hub knows.

Those of its documentation ("Licenses", as of November 2026). The Hub shows and filters a card with another
id as one without a license.
"""

from oceanchat.errors import ConfigError
from oceanchat.suggestions import closest

_IDS = """
afl-3.0 agpl-3.0 apache-2.0 apple-amlr apple-ascl artistic-2.0 bigcode-openrail-m bigscience-bloom-rail-1.0
bigscience-openrail-m bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear bsl-1.0 c-uda cc cc-by-2.0 cc-by-2.5
cc-by-3.0 cc-by-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0
cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc0-1.0 cdla-permissive-1.0
cdla-permissive-2.0 cdla-sharing-1.0 creativeml-openrail-m deepfloyd-if-license ecl-2.0 epl-1.0 epl-2.0
etalab-2.0 eupl-1.1 eupl-1.2 fair-noncommercial-research-license gemma gfdl gpl gpl-2.0 gpl-3.0
grok2-community h-research intel-research isc lgpl lgpl-2.1 lgpl-3.0 lgpl-lr llama2 llama3 llama3.1
llama3.2 llama3.3 llama4 lppl-1.3c mit mpl-2.0 ms-pl ncsa odbl odc-by ofl-1.1 openmdw-1.0 openmdw-1.1
openrail openrail++ osl-3.0 other pddl postgresql unknown unlicense wtfpl zlib
"""
LICENSE_IDS = frozenset(_IDS.split())


def check_license(license_id: str | None) -> None:
    """Raises ConfigError where there is no license id, or one that the Hub does not know."""
    if not license_id:
        raise ConfigError("a release needs a license: give --license, such as cc-by-4.0, cc0-1.0 or other")
    if license_id not in LICENSE_IDS:
        near = _nearest(license_id)
        advice = f"did you mean '{near}'? Write" if near else "write"
        raise ConfigError(
            f"--license '{license_id}' is not a license id of the Hugging Face Hub; {advice} 'other' for your"
            " own terms"
        )


def _nearest(text: str) -> str:
    """The newest version of what the text begins, else the nearest by spelling; empty where nothing is."""
    begun = [one for one in LICENSE_IDS if _bare(one).startswith(_bare(text))]
    if begun and _bare(text):
        return max(begun, key=lambda one: (-len(one), one))
    return closest(text.replace(" ", "-"), sorted(LICENSE_IDS)) or ""


def _bare(text: str) -> str:
    """Its letters and digits: ccby and CC BY are typed for cc-by."""
    return "".join(filter(str.isalnum, text.lower()))
