"""Unpacking a part of a ZIP file while trusting none of its sizes.

The standard library stops at the announced size, other readers do not: a part that announces little and
unpacks to much would pass the one and flood the other. Here such a part is an error.
"""

import struct
import zipfile
import zlib

CHUNK = 1 << 20
LOCAL_HEADER = struct.Struct("<4s22xHH")


class BadMember(Exception):
    """A part that is not what the directory of the ZIP file says."""


def chunks(file, info):
    """Yield the unpacked bytes of a part, at most 1 MB at a time.

    ``file`` is the open ZIP file, ``info`` the ZipInfo. Raises BadMember if size or checksum differ from what was
    announced.
    """
    left, checksum = info.file_size, 0
    for chunk in _unpacked(file, info):
        left -= len(chunk)
        if left < 0:
            raise BadMember(info.filename)
        checksum = zlib.crc32(chunk, checksum)
        yield chunk
    if left or checksum != info.CRC:
        raise BadMember(info.filename)


def _unpacked(file, info):
    if info.compress_type == zipfile.ZIP_STORED:
        yield from _packed(file, info)
        return
    if info.compress_type != zipfile.ZIP_DEFLATED:
        raise BadMember(info.filename)
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for packed in _packed(file, info):
            while packed and not inflate.eof:
                if chunk := inflate.decompress(packed, CHUNK):
                    yield chunk
                packed = inflate.unconsumed_tail
        while chunk := inflate.decompress(b"", CHUNK):
            yield chunk
    except zlib.error as error:
        raise BadMember(info.filename) from error
    if not inflate.eof or inflate.unused_data:
        raise BadMember(info.filename)


def _packed(file, info):
    file.seek(info.header_offset)
    header = file.read(LOCAL_HEADER.size)
    if len(header) < LOCAL_HEADER.size or not header.startswith(b"PK\x03\x04"):
        raise BadMember(info.filename)
    _magic, name_length, extra_length = LOCAL_HEADER.unpack(header)
    position = info.header_offset + LOCAL_HEADER.size + name_length + extra_length
    left = info.compress_size
    while left:
        # The caller may read elsewhere in the file between two chunks.
        file.seek(position)
        packed = file.read(min(left, CHUNK))
        if not packed:
            raise BadMember(info.filename)
        position += len(packed)
        left -= len(packed)
        yield packed
