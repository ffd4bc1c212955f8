#!/usr/bin/env python3
"""gen_connect_proto.py - write the protobuf-c sources of the Spark Connect protocol, from the installed pyspark.

Stands before the compiler: CMake runs it with the Python that has pyspark[connect]; src/connect/ includes its headers.
protobuf-c 1.4 refuses proto3 optional fields, so the descriptors are turned into proto2, which reads and writes the same bytes
(presence becomes explicit, repeated scalars are marked packed). Strings become bytes: protobuf-c would cut them at a NUL byte. Maps
become the repeated entries that they are on the wire, since protoc refuses bytes as a map's key.

Usage: gen_connect_proto.py OUTPUT_DIR   (writes OUTPUT_DIR/spark/connect/*.pb-c.{h,c} and OUTPUT_DIR/google/protobuf/any.pb-c.{h,c})
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import FileDescriptor
from pyspark.sql.connect.proto import base_pb2

FIELD = descriptor_pb2.FieldDescriptorProto


def collect(file: FileDescriptor, found: Dict[str, descriptor_pb2.FileDescriptorProto]) -> None:
    """Add the file and what it imports, imports first."""
    if file.name in found:
        return
    for imported in file.dependencies:
        collect(imported, found)
    proto = descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(proto)
    found[file.name] = proto


def to_proto2(message: descriptor_pb2.DescriptorProto) -> None:
    """Rewrite one message and the messages inside it in place."""
    synthetic = {field.oneof_index for field in message.field if field.proto3_optional}
    for field in message.field:
        if field.proto3_optional:
            field.ClearField("proto3_optional")
            field.ClearField("oneof_index")
        if field.type == FIELD.TYPE_STRING:
            field.type = FIELD.TYPE_BYTES
        if field.label == FIELD.LABEL_REPEATED and field.type not in (FIELD.TYPE_BYTES, FIELD.TYPE_MESSAGE):
            field.options.packed = True
    kept = [oneof for index, oneof in enumerate(message.oneof_decl) if index not in synthetic]
    # Synthetic oneofs stand behind the real ones (protoc's promise), so the indexes of the real ones do not move.
    del message.oneof_decl[:]
    message.oneof_decl.extend(kept)
    message.options.ClearField("map_entry")
    for nested in message.nested_type:
        to_proto2(nested)


def main() -> int:
    """Write the sources into the folder named by the first argument."""
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    output = Path(sys.argv[1])
    output.mkdir(parents=True, exist_ok=True)
    found: Dict[str, descriptor_pb2.FileDescriptorProto] = {}
    collect(base_pb2.DESCRIPTOR, found)
    files = descriptor_pb2.FileDescriptorSet()
    for proto in found.values():
        proto.syntax = "proto2"
        for message in proto.message_type:
            to_proto2(message)
        files.file.append(proto)
    with tempfile.NamedTemporaryFile(suffix=".desc") as descriptors:
        descriptors.write(files.SerializeToString())
        descriptors.flush()
        command = ["protoc", f"--descriptor_set_in={descriptors.name}", f"--c_out={output}", *found]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
