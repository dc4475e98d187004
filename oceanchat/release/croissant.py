"""Croissant metadata of a release.

A machine-readable account of its files and columns, written on request beside the card, from the manifest and
the schema alone, as mlcommons.org/croissant/1.0 has it. It carries no date, like everything in a release.
"""

from collections.abc import Sequence
from typing import Any

from oceanchat.release.folder import REJECTED_FILE, split_file, unmatched_file
from oceanchat.release.manifest import Manifest, ReleasedFile
from oceanchat.release.schema import REJECTED_SCHEMA, SCHEMA, feature_types

CROISSANT = "croissant.json"
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_TYPES = {"string": "sc:Text", "int64": "sc:Integer", "float64": "sc:Float", "bool": "sc:Boolean"}


def croissant(manifest: Manifest, files: Sequence[ReleasedFile]) -> dict[str, Any]:
    """The metadata of a release whose tables are among `files`."""
    tables = [file for file in files if file.rows is not None]
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": manifest.name,
        "description": "Dialogues that show one Big Five trait at one level"
        + (", made by a scripted model." if manifest.scripted else "."),
        "license": manifest.license,
        "version": manifest.version,
        "inLanguage": manifest.language,
        "distribution": [_file_object(file) for file in tables],
        "recordSet": [_record_set(file, manifest) for file in tables],
    }


def _file_object(file: ReleasedFile) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": file.path,
        "name": file.path,
        "contentUrl": file.path,
        "contentSize": f"{file.bytes} B",
        "encodingFormat": "application/x-parquet",
        "sha256": file.sha256,
    }


def _record_set(file: ReleasedFile, manifest: Manifest) -> dict[str, Any]:
    """The plain columns of one table; nested ones (messages, provenance) are left to the Parquet schema."""
    names = {split_file(split): split for split in manifest.counts.splits} | {REJECTED_FILE: "rejected"}
    names |= {unmatched_file(split): f"unmatched-{split}" for split in manifest.counts.unmatched}
    name = names[file.path]
    schema = REJECTED_SCHEMA if file.path == REJECTED_FILE else SCHEMA
    plain = [feature for feature in feature_types(schema) if "dtype" in feature]
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"{name}/{feature['name']}",
            "name": feature["name"],
            "dataType": _TYPES[feature["dtype"]],
            "source": {"fileObject": {"@id": file.path}, "extract": {"column": feature["name"]}},
        }
        for feature in plain
    ]
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "key": {"@id": f"{name}/id"}, "field": fields}
