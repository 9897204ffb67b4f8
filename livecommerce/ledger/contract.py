"""What every ledger must do, as checks that run on a real one.

For a ledger of your own, with pytest and pytest-asyncio::

    @pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: check.__name__)
    async def test_keeps_the_contract(check: contract.Check, ledger: LedgerBackend) -> None:
        await check(ledger)

Each check posts orders of its own, so that the ledger need not be empty. A ledger that only takes entries
(``CannotTell``) runs ``POSTING_CHECKS``.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from livecommerce.ids import new_id
from livecommerce.ledger.backend import LedgerBackend, Outcome, Posted
from livecommerce.ledger.entry import Entry, Posting, entry_id

Check = Callable[[LedgerBackend], Awaitable[None]]

_TAKEN = (Outcome.APPLIED, Outcome.DUPLICATE)


class ContractBroken(AssertionError):
    """The ledger did not do what it must; the message says what."""


def sample_entry(order: str = "", sequence: int = 0, amount_minor: int = 1_000) -> Entry:
    """A sound entry of a fresh order, or of the given one."""
    order = order or new_id()
    return Entry(
        entry=entry_id(order, "contract", sequence),
        order=order,
        event="contract",
        sequence=sequence,
        kind="sale",
        at_ms=1_700_000_000_000,
        currency="CNY",
        shop="contract-shop",
        segment=None,
        brand=None,
        campaign=None,
        postings=(
            Posting(account="provider.receivable:contract", debit_minor=amount_minor),
            Posting(account="merchant.pending:contract", credit_minor=amount_minor - 1),
            Posting(account="platform.commission.deferred", credit_minor=1),
        ),
    )


async def takes_a_batch_and_answers_in_its_order(ledger: LedgerBackend) -> None:
    """Every entry of a batch has its own answer."""
    batch = [sample_entry(), _unbalanced(sample_entry()), sample_entry()]
    answers = await ledger.post(batch)
    _expect_outcomes(answers, [Outcome.APPLIED, Outcome.REJECTED, Outcome.APPLIED])


async def takes_an_empty_batch(ledger: LedgerBackend) -> None:
    """Nothing to post is not an error."""
    _expect(list(await ledger.post([])) == [], "an empty batch has no answers")


async def takes_a_repetition_as_a_duplicate(ledger: LedgerBackend) -> None:
    """The same id with the same content changes nothing, in one batch and in the next."""
    entry = sample_entry()
    _expect_outcomes(await ledger.post([entry, entry]), [Outcome.APPLIED, Outcome.DUPLICATE])
    _expect_outcomes(await ledger.post([entry]), [Outcome.DUPLICATE])


async def refuses_other_content_under_a_known_id(ledger: LedgerBackend) -> None:
    """The same id with other content is a conflict, and what was there stays."""
    entry = sample_entry()
    other = sample_entry(entry.order, amount_minor=2_000)
    _expect_outcomes(await ledger.post([entry, other]), [Outcome.APPLIED, Outcome.CONFLICT])
    answers = await ledger.post([other])
    _expect_outcomes(answers, [Outcome.CONFLICT])
    _expect(bool(answers[0].reason), "a conflict has a reason")


async def rejects_what_does_not_balance(ledger: LedgerBackend) -> None:
    """Debits must equal credits, and a line has one positive side."""
    one_sided = sample_entry()
    negative = msgspec.structs.replace(
        one_sided,
        postings=(
            Posting(account="merchant.pending:contract", debit_minor=-1),
            Posting(account="platform.commission.deferred", credit_minor=-1),
        ),
    )
    answers = await ledger.post([_unbalanced(sample_entry()), negative])
    _expect_outcomes(answers, [Outcome.REJECTED, Outcome.REJECTED])
    _expect(all(answer.reason for answer in answers), "a rejection has a reason")


async def counts_once_what_many_post_at_once(ledger: LedgerBackend) -> None:
    """Workers whose lease overlapped post the same entries; each is applied once."""
    batch = [sample_entry() for _ in range(20)]
    answers = await asyncio.gather(*(_post_until_taken(ledger, batch) for _ in range(4)))
    applied = Counter(
        entry.entry
        for one in answers
        for entry, outcome in zip(batch, one, strict=True)
        if outcome is Outcome.APPLIED
    )
    _expect(applied == Counter(entry.entry for entry in batch), "each entry is applied exactly once")


async def says_that_it_is_healthy(ledger: LedgerBackend) -> None:
    """Health is asked before anything else goes wrong."""
    health = await ledger.health()
    _expect(health.healthy, f"healthy while it takes entries, not: {health.detail}")
    _expect(bool(health.backend), "names its scheme")


async def returns_an_orders_entries_unchanged(ledger: LedgerBackend) -> None:
    """What is looked up is what was posted, in its order."""
    order = new_id()
    batch = [sample_entry(order, sequence) for sequence in range(3)]
    await ledger.post([*batch, sample_entry()])
    _expect(list(await ledger.lookup(order)) == batch, "lookup answers the order's entries, as posted")


async def knows_nothing_of_an_order_never_posted(ledger: LedgerBackend) -> None:
    """Absence is an answer."""
    _expect(list(await ledger.lookup(new_id())) == [], "lookup of an unknown order is empty")


async def shows_the_newest_first(ledger: LedgerBackend) -> None:
    """The console asks for the last few."""
    batch = [sample_entry() for _ in range(3)]
    await ledger.post(batch)
    _expect(
        list(await ledger.recent(2)) == [batch[2], batch[1]], "recent answers the last ones, newest first"
    )


async def walks_through_everything_once(ledger: LedgerBackend) -> None:
    """Reports and reconciliation read all entries, in the order they were applied."""
    batch = [sample_entry() for _ in range(5)]
    await ledger.post(batch)
    await ledger.post(batch)
    ours = {entry.entry for entry in batch}
    found = [entry async for entry in ledger.scan() if entry.entry in ours]
    _expect(found == batch, "scan answers each entry once, in order")


async def walks_through_the_entries_of_one_owner(ledger: LedgerBackend) -> None:
    """Statements read what touches an owner's accounts, pending or available, and nothing else."""
    owner = new_id()
    mine = [_owned(f"merchant.pending:{owner}"), _owned(f"creator.available:{owner}")]
    await ledger.post([mine[0], sample_entry(), _owned(f"merchant.pending:{owner}x"), mine[1]])
    found = [entry async for entry in ledger.scan(owner)]
    _expect(found == mine, "scan of an owner answers the owner's entries, in order")


async def keeps_debits_equal_to_credits(ledger: LedgerBackend) -> None:
    """The trial balance adds up whatever was posted, and moves by what was applied alone."""
    before = await _sides(ledger)
    entry = sample_entry(amount_minor=700)
    await ledger.post(
        [entry, entry, sample_entry(entry.order, amount_minor=900), _unbalanced(sample_entry())]
    )
    after = await _sides(ledger)
    _expect(sum(debit - credit for debit, credit in after.values()) == 0, "debits equal credits")
    account = ("merchant.pending:contract", "CNY")
    moved = after[account][1] - before.get(account, (0, 0))[1]
    _expect(moved == 699, f"only the applied entry counts: 699 expected, {moved} found")


POSTING_CHECKS: tuple[Check, ...] = (
    takes_a_batch_and_answers_in_its_order,
    takes_an_empty_batch,
    takes_a_repetition_as_a_duplicate,
    refuses_other_content_under_a_known_id,
    rejects_what_does_not_balance,
    counts_once_what_many_post_at_once,
    says_that_it_is_healthy,
)
READING_CHECKS: tuple[Check, ...] = (
    returns_an_orders_entries_unchanged,
    knows_nothing_of_an_order_never_posted,
    shows_the_newest_first,
    walks_through_everything_once,
    walks_through_the_entries_of_one_owner,
    keeps_debits_equal_to_credits,
)
CHECKS = POSTING_CHECKS + READING_CHECKS


async def _post_until_taken(ledger: LedgerBackend, batch: Sequence[Entry]) -> list[Outcome]:
    outcomes: dict[str, Outcome] = {}
    while missing := [entry for entry in batch if outcomes.get(entry.entry) not in _TAKEN]:
        for entry, answer in zip(missing, await ledger.post(missing), strict=True):
            outcomes[entry.entry] = answer.outcome
    return [outcomes[entry.entry] for entry in batch]


async def _sides(ledger: LedgerBackend) -> dict[tuple[str, str], tuple[int, int]]:
    return {
        (balance.account, balance.currency): (balance.debit_minor, balance.credit_minor)
        for balance in await ledger.trial_balance()
    }


def _owned(account: str) -> Entry:
    entry = sample_entry()
    receivable, owed, rest = entry.postings
    return msgspec.structs.replace(
        entry, postings=(receivable, msgspec.structs.replace(owed, account=account), rest)
    )


def _unbalanced(entry: Entry) -> Entry:
    return msgspec.structs.replace(entry, postings=entry.postings[:2])


def _expect(kept: bool, rule: str) -> None:
    if not kept:
        raise ContractBroken(rule)


def _expect_outcomes(answers: Sequence[Posted], expected: Sequence[Outcome]) -> None:
    found = [answer.outcome.value for answer in answers]
    wanted = [outcome.value for outcome in expected]
    _expect(found == wanted, f"expected {wanted}, answered {found}")
