/** What golden scripts do to messages that are in flight. */
import type { NodeId } from "../../../src/omnipaxos/index.ts";
import type { Cluster } from "../harness/cluster.ts";
import type { Message } from "../harness/view.ts";

/** "1>2": that way; "1-2": both. */
export function onLink(link: string, action: (from: NodeId, to: NodeId) => void): void {
  const [a = 0, b = 0] = link.split(/[->]/).map(Number);
  action(a, b);
  if (link.includes("-")) action(b, a);
}

/** `deliver 1>2`: the first message; `deliver 1>2 promise`: the first of that type, or the `last`; `deliver all 1>2`: all. */
export function deliver(
  cluster: Cluster,
  [first = "", second, which]: readonly string[],
): readonly string[] {
  if (first === "all") {
    onLink(second ?? "", (a, b) => cluster.deliverAll(a, b));
    return [];
  }
  onLink(first, (a, b) => {
    if (which === "last") {
      const at = cluster.channel(a, b).findLastIndex(({ message }) => message.type === second);
      cluster.deliver(a, b, at);
    } else if (second !== undefined) cluster.deliverType(a, b, second as Message["type"]);
    else if (!cluster.deliver(a, b)) throw new Error(`nothing in flight from ${a} to ${b}`);
  });
  return [];
}

/** `drop 1>2`: all in flight there; `drop 1>2 accepted`: those of that type. */
export function drop(cluster: Cluster, [link = "", type]: readonly string[]): readonly string[] {
  onLink(link, (a, b) => {
    const channel = cluster.channel(a, b);
    const kept = channel.filter(({ message }) => type !== undefined && message.type !== type);
    if (kept.length === channel.length) throw new Error(`nothing to drop from ${a} to ${b}`);
    channel.splice(0, channel.length, ...kept);
  });
  return [];
}

/** `repeat 1>2 promise`: the last one of that type that was sent there arrives once more, later than all in flight. */
export function repeat(cluster: Cluster, [link = "", type]: readonly string[]): readonly string[] {
  onLink(link, (a, b) => {
    const sent = cluster.sent.findLast(
      ({ from, to, message }) => from === a && to === b && message.type === type,
    );
    if (sent === undefined) throw new Error(`no ${type ?? "message"} was sent from ${a} to ${b}`);
    cluster.channel(a, b).push(sent);
  });
  return [];
}
