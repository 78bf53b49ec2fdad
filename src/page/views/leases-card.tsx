import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";
import type { ShownClaim, ShownCoordination, ShownLease, ShownLock } from "../coordination.ts";
import type { PageActions } from "../page-actions.ts";
import { formatCount, formatSpan } from "./format.ts";
import { OnOff } from "./on-off.tsx";
import { useCoordination, type CoordinationNow } from "./use-coordination.ts";

/** So many of a waiting line are shown. */
const WAITING_SHOWN = 5;

/** Leases with their keys and the time left; locks and elections with their holders and waiters. Off at first: it asks the servers. */
export function LeasesCard({ actions }: { readonly actions: PageActions }): ComponentChild {
  const [isOn, setOn] = useState(false);
  const now = useCoordination(actions, null, isOn);
  const { shown, nowMs, trouble } = now;
  return (
    <section class="card leases-card" aria-labelledby="leases-title">
      <div class="card-head">
        <h2 id="leases-title">Leases and locks</h2>
        <OnOff
          label="Whether leases and locks are shown"
          name="leases"
          isOn={isOn}
          onChange={setOn}
        />
      </div>
      <p class={trouble === null ? "hint" : "hint load-trouble"} data-testid="leases-state">
        {stateText(now, isOn)}
      </p>
      {shown === null || shown.locks.length === 0 ? null : (
        <div class="operations">
          <ul class="claims" data-testid="locks" tabIndex={0} aria-label="Locks and elections">
            {shown.locks.map((lock) => (
              <LockRow key={`${lock.kind} ${lock.name}`} lock={lock} nowMs={nowMs} />
            ))}
          </ul>
          {shown.moreLocks ? <p class="hint">There are more than are shown.</p> : null}
        </div>
      )}
      {shown === null || shown.leases.length === 0 ? null : (
        <div class="operations">
          <ul
            class="claims"
            data-testid="leases"
            tabIndex={0}
            aria-label="Leases, soonest end first"
          >
            {shown.leases.map((lease) => (
              <LeaseRow key={lease.id} lease={lease} nowMs={nowMs} />
            ))}
          </ul>
          {moreLeases(shown)}
        </div>
      )}
    </section>
  );
}

function LockRow({
  lock: { kind, name, held, waiting },
  nowMs,
}: {
  readonly lock: ShownLock;
  readonly nowMs: number;
}): ComponentChild {
  const rest = waiting.length - WAITING_SHOWN;
  return (
    <li>
      <span class="op-what">{name}</span>
      <span class="op-where">{kind}</span>
      {held.map((claim) => (
        <span key={claim.revision} class="claim">
          {claimText(kind === "lock" ? "held" : "led", claim)}, token {claim.revision}
          {claim.endsMs === null ? "" : `, ${leftText(claim.endsMs, nowMs)}`}
        </span>
      ))}
      {held.length === 0 ? <span class="claim">nobody has it</span> : null}
      {waiting.length === 0 ? null : (
        <ol class="waiting" aria-label={`Who waits for ${name}`}>
          {waiting.slice(0, WAITING_SHOWN).map((claim) => (
            <li key={claim.revision}>{claimText("waits", claim)}</li>
          ))}
          {rest > 0 ? <li class="rest">and {formatCount(rest)} more</li> : null}
        </ol>
      )}
    </li>
  );
}

function LeaseRow({
  lease: { id, ttlMs, endsMs, keys, moreKeys },
  nowMs,
}: {
  readonly lease: ShownLease;
  readonly nowMs: number;
}): ComponentChild {
  const left = Math.max(0, endsMs - nowMs);
  return (
    <li>
      <span class="op-what">lease {id}</span>
      <span class="op-where">
        {leftText(endsMs, nowMs)} of {formatSpan(ttlMs)}
      </span>
      <meter class="lease-left" min={0} max={ttlMs} value={left} aria-label={`Left of lease ${id}`}>
        {formatSpan(left)}
      </meter>
      {keys.map((key) => (
        <span key={key} class="claim op-what">
          {key}
        </span>
      ))}
      {moreKeys === 0 ? null : <span class="claim">and {formatCount(moreKeys)} more keys</span>}
    </li>
  );
}

function claimText(verb: "held" | "led" | "waits", { owner, mode }: ShownClaim): string {
  const how = mode === "shared" ? `${verb} shared` : verb;
  if (owner === "") return how;
  return verb === "waits" ? `${owner}${mode === "shared" ? ", shared" : ""}` : `${how} by ${owner}`;
}

/** A lease ends by the clock of the cluster, a moment after its time. */
function leftText(endsMs: number, nowMs: number): string {
  const left = endsMs - nowMs;
  return left <= 0 ? "ending" : `${formatSpan(Math.ceil(left / 1000) * 1000)} left`;
}

function moreLeases({ plainCount, leases }: ShownCoordination): ComponentChild {
  const rest = plainCount - leases.length;
  return rest <= 0 ? null : (
    <p class="hint">and {formatCount(rest)} more leases that end later than these</p>
  );
}

function stateText({ shown, trouble }: CoordinationNow, isOn: boolean): string {
  if (trouble !== null)
    return `The cluster cannot say${shown === null ? "" : ", this is older"}: ${trouble}`;
  if (!isOn) return "Keys that go away by themselves and when; who holds locks, leads, and waits.";
  if (shown === null) return "asking…";
  const { leaseCount, locks } = shown;
  if (leaseCount === 0) return "There are no leases, so no locks either.";
  const leases = leaseCount === 1 ? "1 lease" : `${formatCount(leaseCount)} leases`;
  const held = locks.length === 1 ? "1 lock or election" : `${locks.length} locks and elections`;
  return `${leases}, ${held}`;
}
