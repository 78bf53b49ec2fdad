/** "127.0.0.1:4101", "[::1]:4101": as people type it, and as URLs want it. */
export function hostPort({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** "fe80::1%eth0" names the way out too, for which no URL has a place. */
export function withoutZone(host: string): string {
  return host.split("%", 1)[0] ?? "";
}

const LETTERS = /^[A-Za-z0-9._:%-]{1,253}$/;

/**
 * Whether it may be a host name or an IP address. What ends in a number is an address of four numbers, and "10.0.0.256" is none: a web socket
 * to it cannot even be made.
 */
export function isHost(text: string): boolean {
  return (
    LETTERS.test(text) && URL.canParse(`ws://${hostPort({ host: withoutZone(text), port: 1 })}`)
  );
}
