"""Cancellation: a token that any thread may set, and that every wait and every step looks at."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotDone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.cancel import NOTHING_CHANGED, Cancellation, Cancelled
from deploy.errors import DeployError

FOREVER = 20.0  # seconds; what ends at once does not take them


# --- looking and waiting ---------------------------------------------------------------------------


def test_nothing_ends_unasked() -> None:
    """Looks and waits go on as long as nobody asks for the end."""
    cancellation = Cancellation()
    cancellation.check()
    cancellation.check_between_steps()
    cancellation.wait(0.001)
    cancellation.wait_between_steps(0.001)
    assert cancellation.consequence == NOTHING_CHANGED


def test_a_request_ends_what_is_between_steps_and_lets_the_step_in_hand_go_on() -> None:
    """That is the grace of a formation dyno; the reason is what the reader is told."""
    cancellation = Cancellation()
    cancellation.request("SIGTERM")
    assert cancellation.reason == "SIGTERM"
    cancellation.check()
    cancellation.wait(0.001)
    for look in (cancellation.check_between_steps, lambda: cancellation.wait_between_steps(FOREVER)):
        with pytest.raises(Cancelled):
            look()


def test_a_cancellation_ends_the_step_in_hand_too() -> None:
    """Every look and every wait raises from then on."""
    cancellation = Cancellation()
    cancellation.cancel()
    for look in (
        cancellation.check,
        cancellation.check_between_steps,
        lambda: cancellation.wait(FOREVER),
        lambda: cancellation.wait_between_steps(FOREVER),
    ):
        with pytest.raises(Cancelled):
            look()


@pytest.mark.parametrize(
    ("wait", "ask"),
    [
        (Cancellation.wait, Cancellation.cancel),
        (Cancellation.wait_between_steps, Cancellation.cancel),
        (Cancellation.wait_between_steps, lambda cancellation: cancellation.request("SIGTERM")),
    ],
    ids=["cancelled within a step", "cancelled between steps", "requested between steps"],
)
def test_all_waits_of_all_threads_end_at_once(
    wait: Callable[[Cancellation, float], None], ask: Callable[[Cancellation], None]
) -> None:
    """Several targets share one token; whoever waits, wherever, is woken up."""
    cancellation = Cancellation()
    waiting = threading.Barrier(9)

    def run() -> bool:
        waiting.wait()
        try:
            wait(cancellation, FOREVER)
        except Cancelled:
            return True
        return False

    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        ends = [pool.submit(run) for _ in range(8)]
        waiting.wait()
        ask(cancellation)
        assert all(end.result() for end in ends)
    assert time.monotonic() - started < FOREVER / 2


def test_no_except_exception_swallows_it() -> None:
    """What catches every failure, such as the loop of a formation dyno, does not catch the end."""
    assert not issubclass(Cancelled, Exception)


# --- what an end leaves ----------------------------------------------------------------------------


def consequence(texts: list[str], end: BaseException | None) -> str:
    """Enter nested blocks, the outermost first, end in the innermost, and return what is told after that."""
    cancellation = Cancellation()

    def enter(rest: list[str]) -> None:
        if not rest:
            if end:
                raise end
            return
        with cancellation.leaving(rest[0]):
            assert cancellation.consequence == rest[0]
            enter(rest[1:])
            assert cancellation.consequence == rest[0]

    try:
        enter(texts)
    except (Cancelled, DeployError):
        assert end
    return cancellation.consequence


@given(st.lists(st.text(), max_size=5))
def test_the_innermost_block_knows_what_an_end_leaves(texts: list[str]) -> None:
    """It is told as it was where the end came; before the first change there is nothing to tell."""
    assert consequence(texts, Cancelled()) == [NOTHING_CHANGED, *texts][-1]


@given(st.lists(st.text(), max_size=5), st.booleans())
def test_a_block_that_ends_by_itself_leaves_what_was_before(texts: list[str], fails: bool) -> None:
    """Whether it succeeds or fails: an error says by itself what it leaves."""
    assert consequence(texts, DeployError("No.") if fails else None) == NOTHING_CHANGED


def left_by(error: Exception, *, if_refused: str = "") -> DeployError:
    """Raise an error in a block, and return what comes out of it."""
    cancellation = Cancellation()
    with (
        pytest.raises(DeployError) as caught,
        cancellation.leaving("Outer."),
        cancellation.leaving("It may be there.", if_refused=if_refused),
    ):
        raise error
    return caught.value


def test_an_error_says_what_its_block_leaves() -> None:
    """The innermost block, unless the error knows better; a refusal leaves what the block says of one."""
    refusal, knowing = DeployError("No."), DeployError("No.")
    refusal.is_refusal = True
    knowing.left = "Half of it."
    assert left_by(DeployError("No.")).left == "It may be there."
    assert left_by(DeployError("No."), if_refused="It is not.").left == "It may be there."
    assert left_by(refusal, if_refused="It is not.").left == "It is not."
    assert left_by(knowing).left == "Half of it."


def test_an_exception_that_nobody_foresaw_says_what_its_block_leaves() -> None:
    """A bug after an upload is an error after an upload, and so is a lack of memory."""
    explained = left_by(KeyError("a secret"))
    assert (explained.what, explained.left) == (
        "The deploy stopped at an internal error (KeyError).",
        "It may be there.",
    )
    assert "too little memory" in left_by(MemoryError()).what


# --- cleaning up -----------------------------------------------------------------------------------


def test_what_is_to_be_cleaned_up_is_done_when_the_block_ends() -> None:
    """However it ends, inner blocks first, and only once."""
    cancellation, done = Cancellation(), list[str]()
    with (
        pytest.raises(Cancelled),
        cancellation.cleanup(lambda: done.append("outer")),
        cancellation.cleanup(lambda: done.append("inner")),
    ):
        raise Cancelled
    assert done == ["inner", "outer"]
    cancellation.clean_up()
    assert done == ["inner", "outer"]


def test_blocks_that_are_stuck_are_cleaned_up_from_outside() -> None:
    """The inner ones first, as they would end; what they do later does not do it again."""
    cancellation, done = Cancellation(), list[str]()
    stuck, go_on = threading.Event(), threading.Event()

    def run() -> None:
        with (
            cancellation.cleanup(lambda: done.append("outer")),
            cancellation.cleanup(lambda: done.append("inner")),
        ):
            stuck.set()
            go_on.wait(FOREVER)

    thread = threading.Thread(target=run)
    thread.start()
    stuck.wait(FOREVER)
    cancellation.clean_up()
    assert done == ["inner", "outer"]
    go_on.set()
    thread.join(FOREVER)
    assert done == ["inner", "outer"]


def test_a_cleanup_that_fails_does_not_keep_the_others_from_being_done() -> None:
    """Of several targets one may have lost its network; what the others left is deleted nevertheless."""
    cancellation, done = Cancellation(), list[str]()

    def fail() -> None:
        raise OSError

    with cancellation.cleanup(lambda: done.append("outer")), cancellation.cleanup(fail):
        cancellation.clean_up()
        assert done == ["outer"]


def test_the_process_waits_for_a_cleanup_that_a_block_has_begun() -> None:
    """It would be cut off in the middle otherwise."""
    cancellation, done = Cancellation(), list[str]()
    begun, go_on = threading.Event(), threading.Event()

    def clean() -> None:
        begun.set()
        go_on.wait(FOREVER)
        done.append("cleaned")

    def run() -> None:
        with cancellation.cleanup(clean):
            pass

    def clean_up() -> list[str]:
        cancellation.clean_up()
        return done[:]

    with ThreadPoolExecutor(2) as pool:
        pool.submit(run)
        begun.wait(FOREVER)
        end = pool.submit(clean_up)
        with pytest.raises(NotDone):
            end.result(0.05)
        go_on.set()
        assert end.result(FOREVER) == ["cleaned"]


@given(threads=st.integers(1, 6), blocks=st.integers(1, 4))
def test_each_cleanup_is_made_exactly_once_whichever_thread_comes_first(threads: int, blocks: int) -> None:
    """Who comes second waits until it is over: the process ends after that."""
    cancellation, done = Cancellation(), list[tuple[int, int]]()
    everybody = threading.Barrier(threads + 1)

    def clean(name: tuple[int, int]) -> None:
        time.sleep(0.0001)  # long enough for others to come by
        done.append(name)

    def run(thread: int, block: int = 0) -> None:
        if block == blocks:
            everybody.wait()
            return
        with cancellation.cleanup(lambda: clean((thread, block))):
            run(thread, block + 1)

    with ThreadPoolExecutor(threads) as pool:
        ends = [pool.submit(run, number) for number in range(threads)]
        everybody.wait()
        cancellation.clean_up()
        assert sorted(done) == [(thread, block) for thread in range(threads) for block in range(blocks)]
        for end in ends:
            end.result()
    assert len(done) == threads * blocks
