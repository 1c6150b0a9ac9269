"""What a registry would transfer of an image: docker save IMAGE | python image/size.py."""

import sys
import tarfile
import zlib

total = 0
with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
    for member in archive:
        content = archive.extractfile(member)
        if content is None or member.size < 100_000:  # a manifest or a configuration
            continue
        packer, packed = zlib.compressobj(6), 0
        while block := content.read(1 << 20):
            packed += len(packer.compress(block))
        packed += len(packer.flush())
        total += packed
        print(f"layer {member.size / 1e6:8.1f} MB, compressed {packed / 1e6:7.1f} MB")
print(f"total compressed {total / 1e6:.0f} MB")
