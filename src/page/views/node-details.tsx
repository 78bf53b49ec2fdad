import type { ComponentChild } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { ballotText, type AdminStatus } from "../../protocol/admin/index.ts";
import { adviceOf, causeOf } from "../causes.ts";
import type { ClusterView, NodeView } from "../cluster-view.ts";
import {
  capitalised,
  formatBytes,
  formatCount,
  formatMs,
  formatRate,
  formatSpan,
} from "./format.ts";
import { Icon } from "./icons.tsx";
import { phaseText } from "./node-card.tsx";
import { nodeAlarms, nodeLook } from "./node-look.ts";

interface NodeDetailsProps {
  readonly view: ClusterView;
  readonly node: NodeView;
  readonly onClose: () => void;
}

/** All that one node says of itself, and of its peers. */
export function NodeDetails({ view, node, onClose }: NodeDetailsProps): ComponentChild {
  const closer = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => closer.current?.focus(), [node.id]);
  const look = nodeLook(node, view.at);
  const { status } = node;
  return (
    <section
      class={`card details-card${look.stale ? " stale" : ""}`}
      data-testid="node-details"
      aria-labelledby="details-title"
      onKeyDown={(event) => {
        if (event.key === "Escape") onClose();
      }}
    >
      <div class="card-head">
        <h2 id="details-title">
          Node {node.id} <span class="details-role">{look.title}</span>
        </h2>
        <button
          ref={closer}
          type="button"
          class="button small quiet"
          aria-label="Close details"
          onClick={onClose}
        >
          <Icon name="close" />
        </button>
      </div>
      {look.stale ? (
        <p class="stale-note">
          {node.heardAt === null
            ? "Nothing was ever heard of it."
            : `All below is ${formatSpan(view.at - node.heardAt)} old.`}{" "}
          {node.reason === null ? "" : `${capitalised(causeOf(node) ?? "")}. ${adviceOf(node)}`}
        </p>
      ) : null}
      {nodeAlarms(node).map((text) => (
        <p key={text} class="alarm-note">
          {text}
        </p>
      ))}
      {status === null ? null : (
        <>
          <Facts node={node} status={status} />
          <Heartbeats status={status} />
        </>
      )}
    </section>
  );
}

interface FactsProps {
  readonly node: NodeView;
  readonly status: AdminStatus;
}

function Facts({ node, status }: FactsProps): ComponentChild {
  const rate = node.appliedPerSecond;
  const facts: readonly (readonly [string, string])[] = [
    ["address", node.address],
    ["standing", standingText(status.standing)],
    ["follows", status.leader === null ? "nobody" : `node ${status.leader}`],
    ["phase", phaseText(status.phase)],
    ["own ballot", ballotText(status.ballot)],
    ["promise", ballotText(status.promise)],
    ["quorum-connected", status.quorumConnected ? "yes" : "no"],
    ["happy", status.happy ? "yes" : "no"],
    ["accepted", formatCount(status.acceptedIdx)],
    ["decided", formatCount(status.decidedIdx)],
    ["applied", formatCount(status.appliedIdx) + (rate === null ? "" : `, ${formatRate(rate)}/s`)],
    ["snapshot", status.snapshotIdx === null ? "none yet" : formatCount(status.snapshotIdx)],
    ["keys", formatCount(status.keys)],
    ["revision", formatCount(status.revision)],
    ["clients", formatCount(status.clients)],
    ["storage", storageText(status)],
    ["version", status.version],
    ["up for", formatSpan(status.uptimeMs)],
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name} class={value === "no" ? "fact-no" : ""}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Heartbeats({ status }: { readonly status: AdminStatus }): ComponentChild {
  if (status.links.length === 0) return null;
  return (
    <table class="table heartbeats">
      <caption>What its peers said in the last heartbeat round</caption>
      <thead>
        <tr>
          <th scope="col">peer</th>
          <th scope="col">ballot</th>
          <th scope="col">leader</th>
          <th scope="col">happy</th>
        </tr>
      </thead>
      <tbody>
        {status.links.map(({ peer }) => {
          const said = status.heartbeats.find((heartbeat) => heartbeat.peer === peer);
          return (
            <tr key={peer} class={said === undefined ? "unheard" : ""}>
              <th scope="row">node {peer}</th>
              {said === undefined ? (
                <td colSpan={3}>not heard</td>
              ) : (
                <>
                  <td>{ballotText(said.ballot)}</td>
                  <td>{ballotText(said.leader)}</td>
                  <td>{said.happy ? "yes" : "no"}</td>
                </>
              )}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function standingText(standing: AdminStatus["standing"]): string {
  return standing === "cutOff" ? "cut off" : standing;
}

function storageText({ storage }: AdminStatus): string {
  if (storage === null) return "in memory";
  const full = storage.isFull ? "FULL, " : "";
  const sync = storage.lastSyncMs === null ? "" : `, sync ${formatMs(storage.lastSyncMs)}`;
  return `${full}log ${formatBytes(storage.logBytes)}${sync}`;
}
