/**
 * Two live processes of one node: a machine was cloned, or a data directory was copied, and the copy runs as the same node while the
 * original goes on. The *twin*, which runs on the copy, dials the peers with lower ids itself. Those with higher ids dial the
 * one address that they have for the id, and so do clients; it leads to the original or, from then on, to the twin.
 */
import { type SeededRandom, shuffled } from "../../machine/ports/index.ts";

/** Which of the two. */
export type Side = "original" | "twin";

/** Nodes are named by their positions. */
export interface Twinned {
  readonly node: number;
  readonly copyAtMs: number;
  /** Made while the process was stopped for it. */
  readonly cold: boolean;
  /** Where the node's address leads while the twin runs. */
  readonly address: Side;
  /** The connections of the original are ended when the twin starts. */
  readonly breaks: boolean;
  /** Peers that do not hear the original, and those that do not hear the twin. */
  readonly deafTo: Readonly<Record<Side, readonly number[]>>;
  /** Nor do these hear each other: those of the one side and those of the other. */
  readonly apart: boolean;
  /** So long both run. */
  readonly bothMs: number;
  /** Which one goes on alone then, for so long; null: none. */
  readonly left: Side | null;
  readonly aloneMs: number;
  /** What is broken stays so until the end; else only while both run. */
  readonly brokenAlone: boolean;
  /** Whose disk is the node's in the end. */
  readonly inTheEnd: Side;
}

const FIRST_MS = 300;
/** Within so long a mark is drawn, durable and told. */
const MARK_MS = 2200;

/** @param electionTimeoutMs of the run, whose only mistake it is */
export function drawTwinned(
  random: SeededRandom,
  nodes: number,
  electionTimeoutMs: number,
): Twinned & { readonly atMs: number } {
  const node = random.chance(0.2) ? random.below(nodes) : random.between(1, nodes - 1);
  const copyAtMs = random.between(FIRST_MS, 1500);
  // Young copies know all that was told; of old ones every peer knows better.
  const ageMs = random.pick([5, 60, 300, 900, MARK_MS + random.below(500)]);
  const left = random.pick(["original", "twin", "twin", null] as const);
  return {
    atMs: copyAtMs + ageMs,
    node,
    copyAtMs,
    // The process is back by then.
    cold: ageMs >= 300 && random.chance(0.5),
    // Nobody is dialed by the node with the lowest id.
    address: node === 0 || random.chance(0.4) ? "twin" : "original",
    breaks: random.chance(0.5),
    deafTo: drawDeaf(random, node, nodes),
    apart: random.chance(0.4),
    bothMs: electionTimeoutMs * random.pick([1, 3, 8, 16]),
    left,
    aloneMs: electionTimeoutMs * random.pick([1, 8, 16]),
    brokenAlone: random.chance(0.3),
    inTheEnd: left ?? random.pick(["original", "twin"] as const),
  };
}

function drawDeaf(random: SeededRandom, node: number, nodes: number): Twinned["deafTo"] {
  const peers = shuffled(random, nodes).filter((other) => other !== node);
  const cut = random.between(1, peers.length - 1);
  return random.pick([
    // Each peer hears one of the two.
    { original: peers.slice(cut), twin: peers.slice(0, cut) },
    { original: peers.slice(cut), twin: peers.slice(0, cut) },
    { original: [], twin: [] },
    { original: peers, twin: [] },
    {
      original: peers.filter(() => random.chance(0.4)),
      twin: peers.filter(() => random.chance(0.4)),
    },
  ]);
}
