/** "127.0.0.1:4101", "[::1]:4101": as people type it, and as URLs want it. */
export function hostPort({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
