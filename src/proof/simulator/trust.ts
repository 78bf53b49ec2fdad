/**
 * A model of runs in which disks change behind the nodes' backs: what must still hold, and which node must notice. It stands outside
 * the code it checks, and counts only what must be remembered durably.
 *
 * A disk is *whole* when it is the one that its node ran on last, with every start of it and everything it has told; it
 * *lacks* something when what it has told of votes is gone. Two classes of runs:
 *
 *   (1) Every disk that lacks something is refused: by its own node, before any other node hears of it (the directory itself
 *       shows it: damage, missing files, another node's log, other members); or by every other node, as each has met a start
 *       that is not among the starts the disk knows of, has heard a mark that it does not know, or has met another disk. Or it is
 *       empty and was started with `--rejoin`. However many disks it happens to, everything must hold that holds in any other run,
 *       and nodes that are not refused serve if they are a majority.
 *   (2) A disk that lacks something is started, and some node could not know better: a copy of the same start that is
 *       younger than the last mark, the last second before a loss of power, a peer that was never met or whose own memory is gone;
 *       or a cluster of two, one of which is enough to read. From then on the run is *beyond* what can be promised: the nodes must
 *       notice wherever two of them that run differ.
 *
 * Of two live processes of one node, the *twins*, each may tell what the other one lacks, and while no peer has met both nobody can
 * know. As long as each of them is listened to only while it holds all that both have told, they are as good as one that ran on: (1). A
 * node that listens to one which lacks something, and has nothing against it, makes the run beyond: (2).
 *
 * Invariants:
 *   TRUST-1. No node listens to a disk that has its place and lacks a start which the node has met, nor to another disk than the one with
 *       its place that it has met last, but one that has got its place by `--rejoin` after that. One node cannot tell: one whose own
 *       disk came by `--rejoin`, of a copy with marks below those that the original had told the disk before (ADR 6).
 *   TRUST-2. No node runs on a directory that shows what is wrong with it, and holds less than it has told.
 *   TRUST-3. A disk that is whole is never refused: no node stops without a reason. It stays whole while an empty one that waits for its
 *       place has not claimed it.
 *   TRUST-4. No node listens to one that was started as one of other members.
 *   TRUST-5. On links that lose nothing, no node listens to a disk that holds less, when the two connect, than it has told this very
 *       process. A log alone that was put back, beside a memory that was not, may have run on by then with others, who had not been told.
 *   TRUST-6. No node listens to a disk that does not know a mark that the node has heard of it: what it remembers of before, and,
 *       on links that lose nothing, what it has heard in this very process.
 *   TRUST-7. No client is told that the cluster is not the one it knows, unless the run is beyond.
 */
import { assert } from "../../base/index.ts";
import { compareBallots } from "../../omnipaxos/index.ts";
import type { DurableClaims } from "../../protocol/messages/index.ts";
import { knows, type DiskMemory, type HeardMark } from "./disk-memory.ts";

/** The state of a disk after damage or a mistake. */
export interface DiskChange {
  /** The directory itself shows it to the node that starts on it. */
  readonly isShown: boolean;
  /** The starts that it knows of now. */
  readonly lives: readonly number[];
  /** What it remembers of its peers may be older. */
  readonly forgets: boolean;
}

export interface Start {
  readonly life: number;
  /** Random id of the process. */
  readonly boot: number;
  /** Id of the data directory. */
  readonly disk: string;
  readonly memory: DiskMemory;
  readonly joined: boolean;
  readonly members: readonly number[];
  readonly claims: DurableClaims;
  /** The votes it has reported that are gone; null: none. */
  readonly lack: string | null;
}

/** What can be seen of a machine at any time. */
export interface Look {
  memory(place: number): DiskMemory;
  /** What its node has told, by whichever process, and this one does not hold; null: nothing. */
  lack(place: number): string | null;
}

/** Of a frame of a session. */
export interface HeardFrame {
  /** Of its sender. */
  readonly life: number;
  /** What its sender lacked then of what a twin of it had told. */
  readonly lack: string | null;
  /** Its end had not given the connection up. */
  readonly isHeard: boolean;
}

type State = "whole" | "changed" | "joining";

interface Disk {
  state: State;
  isShown: boolean;
  /** It may be an older copy: then marks that others have heard may be unknown to it, although nothing is missing that counts. */
  isCopy: boolean;
  /** What it lacks, since it was started so. */
  lack: string | null;
  /** The node has noticed, and does not run. */
  isOut: boolean;
  /** The last one, and the starts that its disk knew of. */
  start: Start | null;
  startLives: readonly number[];
  lives: readonly number[];
  /** Starts in which it was an empty disk without its place: what they have sent may still be on its way when another disk is in. */
  readonly waits: Set<number>;
  /** What a whole disk is: the directory, and its starts. */
  whole: { disk: string | null; lives: readonly number[] };
}

/** What counts of a report. */
interface HeardReport {
  readonly joined: boolean;
  readonly durable: DurableClaims;
  readonly mark: number;
  /** Of the sender, by its id: what it claims while it waits, among others. */
  readonly places: readonly { readonly node: number }[];
}

interface Met {
  readonly disk: string;
  readonly life: number;
  /** The process that was told, and what. */
  readonly tellLife: number;
  readonly claims: DurableClaims | null;
  /** The last mark that its directory had told this id when it started. */
  readonly toldBefore: number;
}

export interface Notice {
  readonly node: number;
  readonly code: string;
}

export class Trust {
  /** By place: those of the nodes, and those of twins behind them. */
  readonly #disks: Disk[];
  /** By place, and then by node. */
  readonly #met: Map<number, Met>[];
  /** Whose twins run at places behind those of the nodes. */
  readonly #twins = new Map<number, number>();
  readonly #look: Look;
  /** The last mark that each node has heard of each other. */
  readonly #heard: Map<number, HeardMark>[];
  /** Directories in the order in which they came, and which of them by `--rejoin`. */
  readonly #order = new Map<string, { readonly at: number; readonly byRejoin: boolean }>();
  #disksSeen = 0;
  readonly #faithfulLinks: boolean;
  readonly #notices: Notice[] = [];
  #beyond: string | null = null;
  #noticedBeyond = false;
  #isToldToClients = false;
  #isTouched = false;

  /** @param faithfulLinks what arrives is also heard */
  constructor(nodes: number, faithfulLinks: boolean, look: Look) {
    this.#look = look;
    this.#disks = Array.from({ length: nodes }, newDisk);
    this.#met = Array.from({ length: nodes }, () => new Map<number, Met>());
    this.#heard = Array.from({ length: nodes }, () => new Map<number, HeardMark>());
    this.#faithfulLinks = faithfulLinks;
  }

  /** Why the run is beyond what can be promised; null: it is not. */
  get beyond(): string | null {
    return this.#beyond;
  }

  /** Some node has reported a trouble since the run is beyond what can be promised. */
  get isNoticedBeyond(): boolean {
    return this.#noticedBeyond;
  }

  /** Some client has refused to go on with what the cluster has now. */
  get isToldToClients(): boolean {
    return this.#isToldToClients;
  }

  /** The nodes that could not go on, and why. */
  get notices(): readonly Notice[] {
    return this.#notices;
  }

  /** Some disk was changed, or a node started as another one. */
  get isTouched(): boolean {
    return this.#isTouched;
  }

  /** @returns the place of a second process of this node, which begins on a copy of its disk */
  addTwin(of: number): number {
    const place = this.#disks.length;
    this.#twins.set(place, of);
    this.#disks.push(newDisk());
    this.#met.push(new Map());
    this.#heard.push(new Map());
    return place;
  }

  /** The node whose process runs at this place. */
  nodeAt(place: number): number {
    return this.#twins.get(place) ?? place;
  }

  /** Both twins lead with one ballot: each has promised it, and none has told the other. */
  onLedTwice(node: number, ballot: string): void {
    this.#beyond ??= `ballot ${ballot} is led by both processes of node ${node}`;
  }

  lives(node: number): readonly number[] {
    return this.#of(node).lives;
  }

  /** An operator is about to start nodes with settings that do not fit their disks. */
  touch(): void {
    this.#isTouched = true;
  }

  onChanged(node: number, { isShown, lives, forgets }: DiskChange): void {
    this.touch();
    const disk = this.#of(node);
    // What was hidden before stays so.
    disk.isShown = isShown && (disk.state === "whole" || disk.isShown);
    disk.state = "changed";
    disk.isCopy = lives.length > 0;
    disk.lack = null;
    disk.isOut = false;
    disk.lives = lives;
    if (forgets) this.#met[node]?.clear();
    if (forgets) this.#heard[node]?.clear();
    if (forgets) this.#judge();
  }

  /** @returns whether it must hold everything that this node has ever told */
  onStart(node: number, start: Start): boolean {
    const disk = this.#of(node);
    if (!this.#order.has(start.disk)) {
      this.#order.set(start.disk, this.#next(!start.joined));
    }
    disk.start = start;
    disk.isOut = false;
    this.onMemory(node, start.memory);
    disk.lives = [...disk.lives, start.life];
    disk.startLives = disk.lives;
    disk.whole.disk ??= start.disk;
    if (disk.state === "whole") {
      disk.whole.lives = [...disk.whole.lives, start.life];
      return true;
    }
    if (!start.joined) {
      disk.state = "joining";
      disk.waits.add(start.life);
    }
    // It took its place, and its process died in the same moment.
    else if (disk.state === "joining") this.onPlaced(node);
    const { state } = this.#of(node);
    if (state !== "changed") return state === "whole";
    const { whole } = disk;
    const isWhole =
      start.disk === whole.disk && whole.lives.every((life) => disk.lives.includes(life));
    if (isWhole && start.lack === null) {
      disk.state = "whole";
      whole.lives = [...whole.lives, start.life];
      return true;
    }
    disk.lack ??= start.lack;
    assert(
      !disk.isShown || start.lack === null || this.#beyond !== null,
      `node ${node} starts on a disk that shows that something is missing: ${start.lack}`,
    );
    this.#judge();
    return false;
  }

  /** The node's process has ended, or begins: it knows what its disk has. */
  onMemory(node: number, { heard }: DiskMemory): void {
    this.#heard[node] = new Map(heard);
  }

  /** The empty disk has its place. */
  onPlaced(node: number): void {
    const disk = this.#of(node);
    disk.state = "whole";
    disk.isShown = false;
    disk.whole = { disk: disk.start?.disk ?? null, lives: disk.lives };
    if (disk.start !== null) disk.waits.delete(disk.start.life);
    if (disk.start !== null) this.#order.set(disk.start.disk, this.#next(true));
  }

  /** The node's last words, or an alarm. TRUST-3. */
  onNoticed(node: number, code: string, text: string): void {
    this.#notices.push({ node, code });
    this.#of(node).isOut = true;
    if (this.#beyond !== null) this.#noticedBeyond = true;
    else {
      const { state, isCopy } = this.#of(node);
      // Where links lose what they carry, only the memories of processes that ended say what was heard.
      const mayBeUnknown =
        !this.#faithfulLinks || this.#disks.some((_, to) => this.#unknownMark(to, node) !== null);
      const isUnknown = isCopy && mayBeUnknown;
      const isTwin = this.hasTwin(node) && this.#isBesideAnother(node);
      const isWhole = state === "whole" && !isUnknown && !isTwin && code !== "MEMBERS_MISMATCH";
      assert(!isWhole, `node ${node} stops for nothing (${code}): ${text}`);
    }
  }

  /** A client has seen more of the log than a node answers from, or the log of another cluster. TRUST-7. */
  onWrongCluster(client: string, text: string): void {
    this.#isToldToClients = true;
    assert(
      this.#beyond !== null,
      `${client} is told for nothing that it is at the wrong cluster: ${text}`,
    );
  }

  /** A node says that its state is not another one's. */
  onAlarm(): void {
    if (this.#beyond !== null) this.#noticedBeyond = true;
  }

  /** Within a session `to` hears what `from` sent in that life. TRUST-1, TRUST-4, TRUST-5, TRUST-6. */
  onHeard(
    from: number,
    to: number,
    { life, lack, isHeard }: HeardFrame,
    report: HeardReport | null,
  ): void {
    const node = this.nodeAt(from);
    // A twin may have come in its stead.
    if (!isHeard && this.hasTwin(from)) return;
    const [sender, listener] = [this.#of(from).start, this.#of(to).start];
    const claims = report?.joined === true ? report.durable : null;
    if (sender === null || listener === null) return;
    const isPresent = sender.life === life;
    assert(
      !isPresent || sender.members.join() === listener.members.join(),
      `node ${to}, one of ${listener.members.join()}, listens to node ${from}, one of ${sender.members.join()}`,
    );
    if (this.#of(from).waits.has(life)) {
      const isClaim = report?.places.some((place) => place.node === node + 1) === true;
      if (isClaim) this.#onClaimed(from, life);
      return;
    }
    // Nothing else that is still on its way from an earlier process says anything new.
    if (!isPresent) return;
    const { whole } = this.#of(from);
    const met = this.#met[to]?.get(node);
    const refuses = this.#mustRefuse(to, from) ?? this.#lessThanTold(met, claims, listener, sender);
    assert(refuses === null, `node ${to} listens to node ${from}: ${refuses}`);
    if (lack !== null && this.hasTwin(from)) {
      this.#beyond ??= `node ${to} cannot know that node ${node}, which it listens to, has had a twin, and lacks ${lack}`;
    }
    // A disk that was met must be there again.
    if (!whole.lives.includes(life)) whole.lives = [...whole.lives, life];
    const { disk } = sender;
    if (this.#faithfulLinks && report !== null && report.mark > 0) {
      this.#heard[to]?.set(node, { disk, boot: sender.boot, mark: report.mark });
    }
    const told = met?.life === life && met.tellLife === listener.life ? met.claims : null;
    const toldBefore = sender.memory.told.get(this.nodeAt(to))?.at(-1)?.to ?? 0;
    const tellLife = listener.life;
    this.#met[to]?.set(node, { disk, life, tellLife, claims: claims ?? told, toldBefore });
  }

  /** Whoever records the claim refuses the disk of before from now on, also when that one is in again already. */
  #onClaimed(node: number, life: number): void {
    const disk = this.#of(node);
    if (!disk.whole.lives.includes(life)) disk.whole.lives = [...disk.whole.lives, life];
    if (disk.state === "whole" && !disk.lives.includes(life)) disk.state = "changed";
  }

  /** Some peer knows better, or some will: it is one of two, and not the one that has told the last. */
  #isBesideAnother(place: number): boolean {
    if (this.#look.lack(place) !== null) return true;
    const node = this.nodeAt(place);
    return this.#disks.some((_, to) => {
      if (this.nodeAt(to) === node) return false;
      const known = this.#look.memory(to).heard.get(node);
      return this.#mustRefuse(to, place) !== null || this.#unknownMark(to, place, known) !== null;
    });
  }

  #next(byRejoin: boolean): { readonly at: number; readonly byRejoin: boolean } {
    this.#disksSeen += 1;
    return { at: this.#disksSeen, byRejoin };
  }

  /** What `node` must have against the disk of `peer`; null: nothing. */
  #mustRefuse(node: number, peer: number): string | null {
    const met = this.#met[node]?.get(this.nodeAt(peer));
    const { start, startLives, state } = this.#of(peer);
    // One that waits votes for nothing.
    if (start === null || state === "joining") return null;
    if (met === undefined) return this.#unknownMark(node, peer);
    if (met.disk === start.disk) {
      if (startLives.includes(met.life) || this.#cannotTell(node, peer, met)) {
        return this.#unknownMark(node, peer);
      }
      return `it has met start ${met.life}, not on that disk`;
    }
    const [known, present] = [this.#order.get(met.disk), this.#order.get(start.disk)];
    // One that was not started to rejoin takes the place of none.
    const replaces =
      present?.byRejoin === true && (known?.byRejoin !== true || present.at > known.at);
    return replaces ? null : `it has met disk ${met.disk}, and this one is ${start.disk}`;
  }

  /** The mark that `node` has heard of the disk of `peer`, and the disk does not know; null: there is none. */
  #unknownMark(
    node: number,
    peer: number,
    heard: HeardMark | undefined = this.#heard[node]?.get(this.nodeAt(peer)),
  ): string | null {
    const { start } = this.#of(peer);
    // One that has rejoined since is another disk.
    if (heard === undefined || start === null || heard.disk !== start.disk) return null;
    if (heard.boot === start.boot) return null;
    const isKnown = knows(start.memory.told.get(this.nodeAt(node)) ?? [], heard);
    return isKnown === false
      ? `it has heard mark ${heard.mark}, which that disk does not know`
      : null;
  }

  /**
   * A disk that came by `--rejoin` has met a copy whose marks are below those that the original had told the disk before: that looks
   * as if its own memory were older (TOLD-2).
   */
  #cannotTell(node: number, peer: number, { toldBefore }: Met): boolean {
    const [listener, start] = [this.#of(node).start, this.#of(peer).start];
    if (start === null || listener === null) return false;
    if (this.#order.get(listener.disk)?.byRejoin !== true) return false;
    return toldBefore < (start.memory.told.get(this.nodeAt(node))?.[0]?.from ?? 0);
  }

  /** @param claims of the report that a session begins with */
  #lessThanTold(
    met: Met | undefined,
    claims: DurableClaims | null,
    listener: Start,
    sender: Start,
  ): string | null {
    const isTold = this.#faithfulLinks && met?.tellLife === listener.life && met.life < sender.life;
    if (!isTold || met.disk !== sender.disk || met.claims === null || claims === null) return null;
    return isLess(claims, met.claims) ? "it holds less than it has told" : null;
  }

  /** (2). */
  #judge(): void {
    if (this.#beyond !== null) return;
    for (const [node, { state, lack, isOut }] of this.#disks.entries()) {
      // Of a twin it is known who listens to it.
      if (state !== "changed" || lack === null || isOut || this.#twins.has(node)) continue;
      const unaware = this.#disks.findIndex(
        (_, other) =>
          other !== node && !this.#twins.has(other) && this.#mustRefuse(other, node) === null,
      );
      // One node, or one of two (for reads), needs no other.
      const isEnough = this.#disks.length - this.#twins.size <= 2;
      if (unaware < 0 && !isEnough) continue;
      const why = unaware < 0 ? "and it needs nobody else" : `and node ${unaware} cannot know`;
      this.#beyond = `node ${node} runs on a disk that lacks something (${lack}), ${why}`;
      return;
    }
  }

  /** Two processes of this node have run at once. */
  hasTwin(place: number): boolean {
    return [...this.#twins.values()].includes(this.nodeAt(place));
  }

  #of(node: number): Disk {
    const disk = this.#disks[node];
    assert(disk !== undefined, "nodes are named by their positions");
    return disk;
  }
}

function newDisk(): Disk {
  return {
    state: "whole",
    isShown: false,
    isCopy: false,
    lack: null,
    isOut: false,
    start: null,
    startLives: [],
    lives: [],
    waits: new Set(),
    whole: { disk: null, lives: [] },
  };
}

function isLess(now: DurableClaims, told: DurableClaims): boolean {
  if (compareBallots(now.promise, told.promise) < 0) return true;
  const rounds = compareBallots(now.acceptedRound, told.acceptedRound);
  return (
    rounds < 0 ||
    (rounds === 0 && now.acceptedIdx < told.acceptedIdx) ||
    now.decidedIdx < told.decidedIdx
  );
}
