/** Without the port; of IPv6 the network of 64 bits, because one machine may have all its addresses. */
export function addressOf(remote: string): string {
  const host = remote.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  if (!host.includes(":") || host.includes(".")) return host;
  const [front = "", back] = host.split("::");
  const groups = front.split(":");
  const left = 8 - groups.length - (back === undefined ? 0 : back.split(":").length);
  const filled = back === undefined ? groups : [...groups, ...Array<string>(left).fill("0")];
  return filled
    .slice(0, 4)
    .map((group) => group || "0")
    .join(":");
}
