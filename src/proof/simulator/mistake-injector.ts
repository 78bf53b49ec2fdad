/** Makes the mistakes of a plan, and then acts as the operators who repair them. */
import { unreachable } from "../../base/index.ts";
import type { NodeId } from "../../omnipaxos/index.ts";
import { logFrom, loseFile, loseTail, marksEnd, swapped, tornCopy } from "./disk-damage.ts";
import type { Address } from "../../machine/ports/index.ts";
import { LOG_DIRECTORY, LogEnd } from "../../storage/index.ts";
import type { DiskTurn } from "./disk-turns.ts";
import {
  describeMistake,
  type GrandKind,
  type Mistake,
  type TimedMistake,
  type WayOut,
} from "./mistake-plan.ts";
import type { DiskCopy } from "./sim-disk.ts";
import type { DiskImage, Invocation, SimNode } from "./sim-node.ts";
import type { LinkPair } from "./shapes.ts";
import type { SimWorld } from "./sim-world.ts";
import type { DiskChange } from "./trust.ts";
import { playTwin, type TwinTools } from "./twin-scene.ts";

type OneDisk = Exclude<Mistake, { kind: "otherSize" | GrandKind }>;
type Of<K extends Mistake["kind"]> = Extract<Mistake, { kind: K }>;

/** The operator's work once the node has said that it cannot go on. */
interface Plan {
  readonly wayOut: WayOut;
  readonly thenMs: number;
  readonly before: DiskImage;
}

/** Between two looks whether an empty disk has its place. */
const LOOK_MS = 1;
const EMPTY: DiskCopy = new Map();
const USUAL: Invocation = { rejoin: false };
const REJOIN: Invocation = { rejoin: true };

export class MistakeInjector {
  readonly #world: SimWorld;
  readonly #leave: (links: readonly LinkPair[]) => () => void;
  /** Copies, by the mistake that needs them. */
  readonly #copies = new Map<Mistake, DiskImage>();
  /** Of a majority, by the mistake and by node. */
  readonly #together = new Map<Mistake, ReadonlyMap<number, DiskImage>>();
  readonly #ways = new Map<number, Plan>();
  /** The disks that a mistake has taken away, the first one first. */
  readonly #taken = new Map<Mistake, DiskImage[]>();
  /** Nodes that an operator works on. */
  readonly #busy = new Set<number>();
  #pending = 0;
  #isOver = false;

  /** @param leave only these links stay whole until what it returns is called */
  constructor(world: SimWorld, leave: (links: readonly LinkPair[]) => () => void) {
    this.#world = world;
    this.#leave = leave;
    world.onNoticed = (node) => this.#onNoticed(node);
  }

  /** No operator has anything to do any more. */
  get isIdle(): boolean {
    return this.#pending === 0;
  }

  schedule(mistakes: readonly TimedMistake[]): void {
    const { clock, trace, coverage } = this.#world;
    for (const timed of mistakes) {
      const { atMs, mistake } = timed;
      if (mistake.kind === "goBackTogether") {
        clock.after(mistake.copyAtMs, () => {
          const images = mistake.nodes.map((node) => [node, this.#node(node).image()] as const);
          this.#together.set(mistake, new Map(images));
        });
      } else if (mistake.kind === "followCopies") {
        clock.after(mistake.copyAtMs, () => this.#copyAndLeaveBehind(mistake));
      } else if (mistake.kind === "twin" && mistake.cold) {
        clock.after(mistake.copyAtMs, () => this.#copyCold(mistake, mistake.node));
      } else if (mistake.kind === "twin") {
        clock.after(mistake.copyAtMs, () =>
          this.#copies.set(mistake, this.#node(mistake.node).image()),
        );
      } else if ("copyAtMs" in mistake) clock.after(mistake.copyAtMs, () => this.#copy(mistake));
      clock.after(atMs, () => {
        if (this.#isOver) return;
        trace.event("mistake", describeMistake(timed).trim());
        if (this.#make(mistake)) coverage.hit(`mistake ${mistake.kind}`);
      });
    }
  }

  /** No new mistakes; what is under way comes to its end. */
  heal(): void {
    this.#isOver = true;
  }

  /** @returns false: it cannot be made now */
  #make(mistake: Mistake): boolean {
    if (mistake.kind === "otherSize") return this.#otherSize(mistake);
    if (mistake.kind === "goBackTogether") return this.#goBackTogether(mistake);
    if (mistake.kind === "followCopies") return this.#followCopies(mistake);
    if (mistake.kind === "disksInTurns") return this.#disksInTurns(mistake);
    if (mistake.kind === "twin") return this.#twin(mistake);
    const nodes = mistake.kind === "swap" ? [mistake.node, mistake.other] : [mistake.node];
    if (!this.#take(nodes)) return false;
    this.#hold(nodes, mistake, (ran) => this.#change(mistake, ran));
    return true;
  }

  #change(mistake: OneDisk, ran: ReadonlyMap<number, boolean>): void {
    const { node, downMs } = mistake;
    switch (mistake.kind) {
      case "goBack":
        this.#goBack(mistake, ran);
        break;
      case "loseTail":
        this.#edit(mistake, node, this.#showsEnd(mistake, ran), (files) =>
          loseTail(files, mistake.how, mistake.permille),
        );
        break;
      case "loseFile":
        this.#loseFile(mistake, ran);
        break;
      case "swap":
        this.#swap(mistake);
        break;
      case "wipe":
      case "rejoin":
        this.#set(mistake, node, EMPTY, { isShown: false, lives: [], forgets: true });
        break;
      default:
        return unreachable(mistake, "mistake");
    }
    this.#later(downMs, () => {
      if (mistake.kind === "rejoin") this.#rejoin(mistake, 1);
      else this.#free(mistake.kind === "swap" ? [node, mistake.other] : [node], USUAL);
    });
  }

  #goBack(mistake: Of<"goBack">, ran: ReadonlyMap<number, boolean>): void {
    const copy = this.#copies.get(mistake);
    if (copy === undefined) return;
    if (mistake.what === "all") {
      const { files, lives } = copy;
      return this.#set(mistake, mistake.node, files, { isShown: false, lives, forgets: true });
    }
    // Its own starts, and what it remembers, stay: also where the log ended, which is up to a second old but after a clean stop.
    const isShown = mistake.ends === "stop" && this.#showsEnd(mistake, ran);
    this.#edit(mistake, mistake.node, isShown, (files) => logFrom(copy.files, files));
  }

  #loseFile(mistake: Of<"loseFile">, ran: ReadonlyMap<number, boolean>): void {
    const { node, file, permille, older } = mistake;
    const copy = older ? (this.#copies.get(mistake) ?? null) : null;
    const isEnd = file === "newestSegment" || file === "segment";
    // An earlier mark of the log's end shows nothing, and hides that the log was cut behind it.
    const isEarlierEnd = file === "end" && copy !== null;
    const isShown = isEnd ? this.#showsEnd(mistake, ran) : !isEarlierEnd;
    if (file === "memory" && copy !== null) {
      const files = loseFile(this.#node(node).disk.copy(), file, permille, copy.files);
      return this.#set(mistake, node, files, { isShown: false, lives: copy.lives, forgets: true });
    }
    this.#edit(mistake, node, isShown, (files) =>
      loseFile(files, file, permille, copy?.files ?? null),
    );
  }

  #swap(mistake: Of<"swap">): void {
    const { node, other, what } = mistake;
    const [a, b] = swapped(this.#node(node).disk.copy(), this.#node(other).disk.copy(), what);
    this.#give(mistake, node, a);
    this.#give(mistake, other, b);
  }

  /** Where the other node had nothing yet (its power went while the directory was made), the disk is an empty one. */
  #give(mistake: Of<"swap">, node: number, files: DiskCopy): void {
    if (files.has("identity.json")) return this.#edit(mistake, node, true, () => files);
    this.#set(mistake, node, files, { isShown: false, lives: [], forgets: true });
  }

  /** Whether the mark shows the end of the log: not for sure after a loss of power, nor when the process died before its last note. */
  #showsEnd({ node }: OneDisk, ran: ReadonlyMap<number, boolean>): boolean {
    const { disk, hasLostPower } = this.#node(node);
    if (ran.get(node) !== true || hasLostPower) return false;
    const shows = marksEnd(LogEnd.read(disk, LOG_DIRECTORY), disk.copy());
    this.#world.coverage.hit(shows ? "log end marked" : "log end not yet marked");
    return shows;
  }

  #rejoin(mistake: Of<"rejoin">, time: number): void {
    const { node, times, everyMs, members } = mistake;
    const peerAddresses = time === 1 ? this.#addressesOf(node, members) : null;
    const isWrong = peerAddresses !== null;
    this.#node(node).release(isWrong ? { ...REJOIN, peerAddresses } : REJOIN);
    if (!isWrong && time >= times) return this.#comeBack(mistake);
    this.#later(everyMs, () =>
      this.#hold([node], { ends: "kill" }, () => {
        if (isWrong) return this.#free([node], REJOIN);
        this.#set(mistake, node, EMPTY, { isShown: false, lives: [], forgets: true });
        this.#later(mistake.downMs, () => this.#rejoin(mistake, time + 1));
      }),
    );
  }

  /** One of the disks from before is put back, and started as usual. */
  #comeBack(mistake: Of<"rejoin">): void {
    const { node, back } = mistake;
    if (back === null || back === undefined) return void this.#busy.delete(node);
    this.#later(back.afterMs, () =>
      this.#hold([node], { ends: "kill" }, () => {
        const taken = this.#taken.get(mistake) ?? [];
        const disk = taken[back.which % taken.length];
        if (disk === undefined) return this.#free([node], REJOIN);
        const { files, lives } = disk;
        this.#world.coverage.hit("mistake rejoin, taken back");
        this.#set(mistake, node, files, { isShown: false, lives, forgets: true });
        this.#free([node], USUAL);
      }),
    );
  }

  #otherSize(mistake: Of<"otherSize">): boolean {
    // Without an identity any list of members is right.
    const nodes = mistake.nodes.filter((node) => this.#node(node).disk.exists("identity.json"));
    if (nodes.length === 0 || !this.#take(nodes)) return false;
    this.#world.trust.touch();
    this.#hold(nodes, mistake, () =>
      this.#later(mistake.downMs, () => {
        for (const node of nodes) {
          const peerAddresses = this.#addressesOf(node, mistake.members);
          if (peerAddresses !== null) this.#node(node).release({ ...USUAL, peerAddresses });
        }
        this.#later(mistake.ms, () =>
          this.#hold(nodes, { ends: "kill" }, () => this.#free(nodes, USUAL)),
        );
      }),
    );
    return true;
  }

  #goBackTogether(mistake: Of<"goBackTogether">): boolean {
    const { nodes, aloneMs, downMs } = mistake;
    const copies = this.#together.get(mistake);
    const all = this.#world.nodes.map(({ index }) => index);
    const others = all.filter((node) => !nodes.includes(node));
    if (copies === undefined || !this.#take(all)) return false;
    const start = (): void => {
      for (const node of nodes) this.#node(node).release(USUAL);
    };
    this.#hold(all, mistake, () => {
      for (const [node, { files, lives }] of copies) {
        this.#apply(node, files, { isShown: false, lives, forgets: true });
      }
      this.#later(downMs, start);
      this.#later(downMs + aloneMs / 2, () => this.#hold(nodes, { ends: "kill" }, start));
      this.#later(downMs + aloneMs, () => {
        for (const node of nodes) this.#busy.delete(node);
        this.#free(others, USUAL);
      });
    });
    return true;
  }

  #copyAndLeaveBehind(mistake: Of<"followCopies">): void {
    if (!this.#take(mistake.behind)) return;
    const images = mistake.copied.map((node) => [node, this.#node(node).image()] as const);
    this.#together.set(mistake, new Map(images));
    this.#hold(mistake.behind, mistake, () => {});
  }

  #followCopies(mistake: Of<"followCopies">): boolean {
    const { copied, behind, aloneMs, downMs } = mistake;
    const copies = this.#together.get(mistake);
    const rest = this.#world.nodes
      .map(({ index }) => index)
      .filter((node) => !behind.includes(node));
    if (copies === undefined || !this.#take(rest)) return false;
    const knowing = rest.filter((node) => !copied.includes(node));
    const start = (nodes: readonly number[]): void => {
      for (const node of nodes) this.#node(node).release(USUAL);
    };
    this.#hold(rest, mistake, () => {
      for (const [node, { files, lives }] of copies) {
        this.#apply(node, files, { isShown: false, lives, forgets: true });
      }
      this.#later(downMs, () => start([...copied, ...behind]));
      this.#later(downMs + aloneMs, () =>
        this.#hold([...copied, ...behind], mistake, () => {
          this.#free([...behind, ...knowing], USUAL);
          this.#later(aloneMs, () => this.#free(copied, USUAL));
        }),
      );
    });
    return true;
  }

  #disksInTurns(mistake: Of<"disksInTurns">): boolean {
    const { nodes, leader } = this.#world;
    const all = nodes.map(({ index }) => index);
    if (leader === null || !this.#take(all)) return false;
    const at = (place: number): number => (leader + place) % all.length;
    const disks = new Map<number, DiskImage>();
    const next = (i: number, inside: number, heal: () => void): void => {
      const turn = mistake.turns[i];
      if (turn === undefined || this.#isOver) {
        heal();
        return this.#freeAll(all, [at(mistake.who)]);
      }
      const scene = { at, disks, inside, heal };
      this.#turn(mistake, turn, scene, (last) => next(i + 1, turn.disk, last));
    };
    next(0, 0, () => {});
    return true;
  }

  #turn(
    { who, ends }: Of<"disksInTurns">,
    { disk, links, down, ms, untilPlaced }: DiskTurn,
    scene: {
      readonly at: (place: number) => number;
      readonly disks: Map<number, DiskImage>;
      /** The disk that is in now. */
      readonly inside: number;
      /** Ends what the turn before has broken. */
      readonly heal: () => void;
    },
    done: (heal: () => void) => void,
  ): void {
    const { at, disks, inside } = scene;
    const node = at(who);
    const begin = (): void => {
      const whole = links?.map(([a, b]): LinkPair => [at(a), at(b)]);
      const heal = whole === undefined ? () => {} : this.#leave(whole);
      // Only now: what a broken link holds back must not get through between two turns.
      scene.heal();
      const away = down.map(at);
      const isOver = (): boolean =>
        untilPlaced === true && this.#node(node).node?.replica.joining === null;
      const wait = (): void =>
        this.#while(ms, isOver, () => {
          for (const each of away) this.#node(each).release();
          done(heal);
        });
      if (away.length === 0) wait();
      else this.#hold(away, { ends: "kill" }, wait);
    };
    if (disk === inside) return begin();
    this.#hold([node], { ends }, () => {
      disks.set(inside, this.#node(node).image());
      const { files, lives } = disks.get(disk) ?? { files: EMPTY, lives: [] };
      if (disk > 0 && disks.has(disk)) this.#world.coverage.hit("an empty disk is put in again");
      this.#apply(node, files, { isShown: false, lives, forgets: true });
      begin();
      this.#node(node).release(disk === 0 ? USUAL : REJOIN);
    });
  }

  #twin(mistake: Of<"twin">): boolean {
    const { node, wayOut, thenMs } = mistake;
    const copy = this.#copies.get(mistake);
    if (copy === undefined || !this.#take([node])) return false;
    const tools: TwinTools = {
      later: (ms, action) => this.#later(ms, action),
      end: (machine, done) => {
        this.#pending += 1;
        machine.hold(mistake.ends, () => {
          this.#pending -= 1;
          done();
        });
      },
    };
    playTwin(this.#world, mistake, copy, tools, (change, other) => {
      this.#ways.set(node, { wayOut, thenMs, before: other });
      if (change !== null) {
        const { files, lives } = change;
        this.#apply(node, files, { isShown: false, lives, forgets: true });
        return this.#free([node], USUAL);
      }
      this.#busy.delete(node);
      if (this.#node(node).isOut) this.#onNoticed(node);
    });
    return true;
  }

  /** One that has said that it cannot go on gets an empty disk: the nodes are free again, and none may wait for an operator. */
  #freeAll(nodes: readonly number[], changed: readonly number[]): void {
    for (const node of nodes) this.#busy.delete(node);
    for (const node of changed) {
      this.#ways.set(node, { wayOut: "rejoin", thenMs: 0, before: this.#node(node).image() });
      if (this.#node(node).isOut) this.#onNoticed(node);
    }
  }

  /** Null: it is no member, and no operator can start it so. */
  #addressesOf(
    node: number,
    members: readonly NodeId[] | null,
  ): ReadonlyMap<NodeId, Address> | null {
    if (members === null || !members.includes(node + 1)) return null;
    return this.#world.addresses(members);
  }

  #onNoticed(node: number): void {
    const plan = this.#ways.get(node);
    if (plan === undefined || this.#busy.has(node)) return;
    this.#ways.delete(node);
    if (plan.wayOut === "nothing") return;
    this.#busy.add(node);
    this.#later(plan.thenMs, () =>
      this.#hold([node], { ends: "kill" }, () => {
        this.#world.trace.event("operator", `${plan.wayOut} at node ${node}`);
        this.#world.coverage.hit(`operator ${plan.wayOut}`);
        if (plan.wayOut === "putBack") this.#putBack(node, plan);
        else {
          this.#apply(node, EMPTY, { isShown: false, lives: [], forgets: true });
          this.#free([node], REJOIN);
        }
      }),
    );
  }

  #putBack(node: number, { before, thenMs }: Plan): void {
    // If that is not let in either, the sentence says what is.
    this.#ways.set(node, { wayOut: "rejoin", thenMs, before });
    const { files, lives } = before;
    this.#apply(node, files, { isShown: false, lives, forgets: true });
    this.#free([node], USUAL);
  }

  #copy(mistake: Of<"goBack" | "loseFile">): void {
    const { node, cold, tornMs, backwards } = mistake;
    const machine = this.#node(node);
    if (!cold) {
      const first = machine.image();
      this.#copies.set(mistake, first);
      if (tornMs === 0) return;
      this.#world.clock.after(tornMs, () => {
        const { files, lives } = machine.image();
        // It is unknown which starts a copy made over a restart knows of.
        if (lives.join() !== first.lives.join()) return;
        const isFirst = (path: string): boolean => path < "log/end" !== backwards;
        this.#copies.set(mistake, { files: tornCopy(first.files, files, isFirst), lives });
      });
      return;
    }
    this.#copyCold(mistake, node);
  }

  #copyCold(mistake: Mistake, node: number): void {
    if (!this.#take([node])) return;
    this.#hold([node], { ends: "stop" }, () => {
      this.#copies.set(mistake, this.#node(node).image());
      this.#busy.delete(node);
      this.#node(node).release();
    });
  }

  /** @returns false: an operator works on one of them */
  #take(nodes: readonly number[]): boolean {
    if (nodes.some((node) => this.#busy.has(node))) return false;
    for (const node of nodes) this.#busy.add(node);
    return true;
  }

  #free(nodes: readonly number[], invocation: Invocation): void {
    for (const node of nodes) {
      this.#busy.delete(node);
      this.#node(node).release(invocation);
    }
  }

  #hold(
    nodes: readonly number[],
    { ends }: Pick<OneDisk, "ends">,
    done: (ran: ReadonlyMap<number, boolean>) => void,
  ): void {
    const ran = new Map<number, boolean>();
    this.#pending += 1;
    for (const node of nodes) {
      this.#node(node).hold(ends, (didRun) => {
        ran.set(node, didRun);
        if (ran.size < nodes.length) return;
        this.#pending -= 1;
        done(ran);
      });
    }
  }

  #edit(
    mistake: OneDisk,
    node: number,
    isShown: boolean,
    edit: (files: DiskCopy) => DiskCopy,
  ): void {
    const { lives, files } = this.#node(node).image();
    this.#set(mistake, node, edit(files), { isShown, lives, forgets: false });
  }

  #set(mistake: OneDisk, node: number, files: DiskCopy, change: DiskChange): void {
    const { wayOut, thenMs } = mistake;
    const before = this.#node(node).image();
    this.#ways.set(node, { wayOut, thenMs, before });
    this.#taken.set(mistake, [...(this.#taken.get(mistake) ?? []), before]);
    this.#apply(node, files, change);
  }

  #apply(node: number, files: DiskCopy, change: DiskChange): void {
    this.#node(node).changeDisk(files, change);
  }

  /** Until that holds, or for so long. */
  #while(ms: number, isOver: () => boolean, done: () => void): void {
    if (ms <= 0 || isOver()) return done();
    const step = Math.min(ms, LOOK_MS);
    this.#later(step, () => this.#while(ms - step, isOver, done));
  }

  #later(ms: number, action: () => void): void {
    this.#pending += 1;
    this.#world.clock.after(ms, () => {
      this.#pending -= 1;
      action();
    });
  }

  #node(node: number): SimNode {
    const found = this.#world.nodes[node];
    if (found === undefined) throw new RangeError(`there is no node ${node}`);
    return found;
  }
}
