"""What starts a machine from the slots of its state disk: GRUB's own decisions, in its emulator, and the state as `slot` writes it, past power cuts."""
import os
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import slot_machine  # noqa: E402
from initrd_machine import NETBOOT  # noqa: E402
from slot_machine import SECTORS, STATE, Slots, block_of, make_loader  # noqa: E402

pytestmark = [pytest.mark.release_build, pytest.mark.skipif(bool(slot_machine.missing()), reason=f"needs {', '.join(slot_machine.missing())}: scripts/setup")]


@pytest.fixture(scope="module")
def loader(tmp_path_factory):
    return make_loader(tmp_path_factory.mktemp("loader"))


@pytest.fixture
def slots(tmp_path, loader):
    return Slots(tmp_path, loader)


def settle(slots, name, slot, started=""):
    """An image of that name is written, tried and good."""
    slots.write(slots.image(name), started)
    assert slots.starts()[0] == f"{slot} tried"
    slots.does("good", slot, trial=True)


def test_the_loaders_configuration_is_grubs_language():
    subprocess.run(["grub-script-check", f"{NETBOOT}/grub.cfg"], check=True)


@pytest.mark.parametrize("state, first, then", [
    ("...", ["network"], ["network"]),                              # a disk that was made
    ("..a", ["a tried", "network"], ["network"]),                   # the first slot, which does not come up
    ("a..", ["a", "network"], ["a", "network"]),                    # it settled
    ("a.b", ["b tried", "a", "network"], ["a", "network"]),         # a new image, which does not come up
    ("ba.", ["b", "a", "network"], ["b", "a", "network"]),          # it settled: the one before is still there
    ("baa", ["a tried", "b", "a", "network"], ["b", "a", "network"]),   # one-shots
    ("ban", ["network"], ["b", "a", "network"])])
def test_what_is_to_be_tried_is_tried_once(slots, state, first, then):
    slots.fill("a", "b")
    slots.set_state(state)
    assert slots.starts() == first
    assert slots.state() == slots.copy(STATE[1]) == state[:2] + "."
    assert slots.starts() == then


@pytest.mark.parametrize("torn", STATE)
def test_a_copy_that_is_torn_anywhere_never_decides(slots, torn):
    """The first `length` bytes of the newer state over the older one, in either copy, as its writer goes from the first to the second."""
    slots.fill("a", "b")
    for length in (0, 1, 25, 33, 34, 38, 44, 45, 100, 512):
        slots.set_state("a.." if torn == STATE[0] else "a.b")
        if torn == STATE[1]:
            slots.put(STATE[1], block_of("a.."))
        slots.put(torn, block_of("a.b")[:length])
        assert slots.starts() in (["b tried", "a", "network"], ["a", "network"]), length
        assert slots.starts() == ["a", "network"], length


@pytest.mark.parametrize("garbage", [bytes(512), b"\xff" * 512, b"# GRUB Environment Block\nstate=b..\nagain=a..\n".ljust(512, b"#"), block_of("x;y")])
@pytest.mark.parametrize("torn", STATE)
def test_a_copy_that_cannot_be_read_leaves_the_other_one(slots, torn, garbage):
    slots.fill("a", "b")
    slots.set_state("b..")
    slots.put(torn, garbage)
    assert slots.starts() == ["b", "network"]
    assert slots.shown()["good"] == "b"


def test_where_neither_can_be_read_what_is_in_the_slots_starts_the_machine(slots):
    slots.fill("b")
    for sector in STATE:
        slots.put(sector, bytes(512))
    assert slots.starts() == ["b", "network"]


def test_a_state_that_cannot_be_written_tries_nothing_for_ever(slots):
    """A disk that takes no write: the slot that is to be tried is left out."""
    slots.fill("a", "b")
    slots.set_state("a.b")
    start = slots.folder / "grub/grub.cfg"
    start.write_text(start.read_text().replace(f"{NETBOOT}/grub.cfg", f"{slots.folder}/unwritten.cfg"))
    with open(f"{NETBOOT}/grub.cfg", encoding="utf-8") as stream:
        (slots.folder / "unwritten.cfg").write_text(stream.read().replace("save_env --file", "echo"))
    assert slots.starts() == ["a", "network"]


def test_from_the_first_image_to_the_third(slots):
    one, two, three = (slots.image(name) for name in ("one", "two", "three"))
    said = slots.write(one)
    assert said == "slot: image-one/1 is in slot a, which the next start tries\n"
    assert slots.state() == "..a" and slots.holds("a") == "one"
    assert slots.starts()[0] == "a tried"
    slots.does("good", "a", trial=True)
    assert slots.state() == "a.." and slots.shown()["failed"] == "."
    slots.write(two, "a")
    assert slots.state() == "a.b" and slots.holds("a") == "one" and slots.holds("b") == "two"
    slots.starts()
    slots.does("good", "b", trial=True)
    assert slots.state() == "ba."
    slots.write(three, "b")
    assert slots.state() == "b.a" and slots.holds("a") == "three"
    assert slots.header("a")["arguments"].startswith("console=ttyS0 muster.source=http://10.77.0.1:8080 muster.slot=a/")


def test_one_that_did_not_settle_is_told_with_the_phase_it_died_in(slots):
    settle(slots, "one", "a")
    slots.write(slots.image("two"), "a")
    assert slots.shown()["failed"] == "."  # it is to be tried
    slots.starts()
    assert slots.shown()["failed"] == "b kernel"
    assert slots.shown()["b"].split(" ")[1] == "image-two/1"
    said = slots.run("late", "b", trial=True).stdout
    assert said == "slot: slot b did not settle in its time: the machine starts anew, by what it ran before\nrestarts\n"
    assert slots.shown()["failed"] == "b agent"
    assert slots.run("late", "a").stdout == ""
    slots.write(slots.image("three"), "a")
    slots.starts()
    slots.does("good", "b", trial=True)
    assert slots.run("late", "b", trial=True).stdout == ""
    assert slots.shown()["failed"] == "." and slots.state() == "ba."


def test_a_one_shot_changes_nothing_for_the_start_after_it(slots):
    slots.fill("a", "b")
    slots.set_state("ba.")
    slots.does("a")
    assert slots.starts()[0] == "a tried"
    slots.does("good", "a", trial=True)
    assert slots.state() == "ba." and slots.starts()[0] == "b"
    slots.does("network")
    assert slots.starts()[0] == "network" and slots.starts()[0] == "b"
    slots.put(SECTORS["a"], bytes(4096))
    done = slots.run("a")
    assert (done.returncode, done.stderr) == (1, "slot: slot a is empty\n")


def test_the_spare_one_takes_the_place_of_one_that_cannot_be_loaded(slots):
    slots.fill("a")
    slots.set_state("ba.")
    slots.does("good", "a")
    assert slots.state() == "a.."


def test_bytes_that_are_not_as_ordered_are_never_tried(slots):
    settle(slots, "one", "a")
    two = slots.image("two")
    slots.order(two)
    (two / "initrd").write_bytes(b"other bytes")
    done = slots.run("write", "a")
    assert done.returncode == 1 and done.stderr.startswith(f"slot: {two}/initrd: expected sha256:"), done.stderr
    assert slots.state() == "a.." and slots.holds("b") is None
    assert slots.starts() == ["a", "network"]


STEPS = [("state-16", 1), ("state-24", 1), ("cleared", 1), ("half", 1), ("pieces", 1), ("header", 1), ("state-16", 2), ("state-24", 2)]


@pytest.mark.parametrize("cut, nth", STEPS)
@pytest.mark.parametrize("spare", [False, True])
def test_power_that_goes_while_a_slot_is_written_leaves_the_good_one(slots, cut, nth, spare):
    settle(slots, "one", "a")
    if spare:
        settle(slots, "zero", "b", "a")
    good, other, runs = ("b", "a", "zero") if spare else ("a", "b", "one")
    two = slots.image("two")
    slots.order(two)
    assert slots.run("write", good, cut=cut, nth=nth).returncode == 9
    order = slots.starts()
    assert slots.holds(good) == runs
    if order[0] == f"{other} tried":
        assert slots.holds(other) == "two" and nth == 2
    else:
        assert order[0] == good
    assert slots.starts()[0] == good
    slots.write(two, good)
    assert slots.holds(other) == "two" and slots.starts()[0] == f"{other} tried"


@pytest.mark.parametrize("cut", ["state-16", "state-24"])
def test_power_that_goes_while_a_slot_is_told_good(slots, cut):
    slots.fill("a", "b")
    slots.set_state("a..")
    assert slots.run("good", "b", trial=True, cut=cut).returncode == 9
    assert slots.starts()[0] == "b"


@pytest.mark.parametrize("trial, phase", [(" muster.trial", "verify"), ("", "kernel")])
def test_the_initrd_notes_how_far_a_try_came(slots, trial, phase):
    """slot_start.sh in its own shell, without loops and the device mapper."""
    slots.write(slots.image("one"))
    (slots.folder / "line").write_text(f"quiet muster.slot=a/ID{trial}\n")
    (slots.folder / "muster").mkdir()
    (slots.folder / "muster/verity").write_text("1 HASH\n")
    script = f"""
      cmdline={slots.folder}/line; muster_folder={slots.folder}/muster; dev={slots.folder}
      enter() {{ [ -z "$noted" ] || write_note "$noted" "$1"; }}
      stop() {{ echo "stopped: $*"; exit 1; }}
      . {NETBOOT}/slots.sh; . {NETBOOT}/slot_start.sh
      find_started() {{ slots={slots.partition}; }}
      losetup() {{ :; }}
      dmsetup() {{ : > "$dev/dm-0"; }}
      open_slot_root "a/$(slots={slots.partition}; header_value a id)" && echo "$root_device $root_options"
    """
    done = subprocess.run(["busybox", "sh", "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (0, f"{slots.folder}/dm-0 ro\n"), done.stdout + done.stderr
    slots.starts()
    assert slots.shown()["failed"] == f"a {phase}"
