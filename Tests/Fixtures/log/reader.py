"""A reader of the event log, written from docs/reference/event-log.md alone.

Prints for each line its number, and for each damaged place SEGMENT OFFSET LENGTH.
"""
import os, re, sys

HEAD = re.compile(
    rb'\{"seq":"(\d{16})","specversion":"1\.0","id":"[0-9a-f]{32}","time":"'
    rb'(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)')
TAIL = re.compile(rb',"crc32c":"([0-9a-f]{8})"\}')

TABLE = []
for index in range(256):
    for _ in range(8):
        index = index >> 1 ^ (0x82F63B78 if index & 1 else 0)
    TABLE.append(index)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def number(line):
    """The number of a line that counts, else None."""
    head, tail = HEAD.match(line), TAIL.fullmatch(line[-21:])
    if not head or not tail or len(line) < 140:
        return None
    if int(tail[1], 16) != crc32c(line[:-21]):
        return None
    return int(head[1]) or None


def main(folder):
    names = sorted(n for n in os.listdir(folder) if re.fullmatch(r"\d{16}\.jsonl", n))
    last = 0
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            data = file.read()
        at = 0
        while True:
            newline = data.find(b"\n", at)
            if name == names[-1] and (newline < 0 or data[at] == 0):
                break
            if newline < 0:
                rest = data[at:].strip(b"\0")
                if rest:
                    print("damage", name, data.index(rest, at), len(rest))
                break
            start = at
            while start < newline and data[start] == 0:
                start += 1
            found, line = number(data[start:newline]), start
            if found is None and data[start:newline].strip(b" "):
                heads = [m.start() for m in re.finditer(rb'\{"seq":"', data[start:newline])]
                for head in reversed(heads[-64:]):
                    found = number(data[start + head:newline])
                    if found is not None:
                        line = start + head
                        print("damage", name, start, line - start)
                        break
                else:
                    print("damage", name, start, newline + 1 - start)
            if found is not None and found > last:
                print(found)
                last = found
            elif found is not None:
                print("damage", name, line, newline + 1 - line)
            at = newline + 1


main(sys.argv[1])
