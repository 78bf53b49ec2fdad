/** The store under express-session: its contract for stores, and sessions of a server that uses it. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import session, { Cookie, type SessionData } from "express-session";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { OmnikvSessionStore } from "../../src/adapters/express-session.ts";
import { startCluster, type Cluster } from "./cluster.ts";

declare module "express-session" {
  interface SessionData {
    views?: number;
    user?: string;
  }
}

let cluster: Cluster;
let store: OmnikvSessionStore;
beforeAll(async () => {
  cluster = await startCluster(1);
});
afterAll(() => cluster.stop());
beforeEach(async () => {
  store = new OmnikvSessionStore(cluster.client());
  await call((done) => store.clear(done));
});

function call<T>(method: (done: (error?: unknown, value?: T) => void) => void): Promise<T> {
  return promisify(method as (done: (error: Error | null, value: T) => void) => void)();
}
const get = (sid: string): Promise<SessionData | null> =>
  call((done) => store.get(sid, done as never));
const set = (sid: string, data: SessionData): Promise<void> =>
  call((done) => store.set(sid, data, done));

function sessionOf(maxAge: number | null, user = "Ada"): SessionData {
  const cookie = new Cookie();
  if (maxAge !== null) cookie.maxAge = maxAge;
  return { cookie, user };
}

describe("a store", () => {
  test("keeps sessions, and calls back for what is not there", async () => {
    expect(await get("a")).toBeNull();
    await set("a", sessionOf(60_000));
    expect(await get("a")).toMatchObject({ user: "Ada", cookie: { originalMaxAge: 60_000 } });
    await call<void>((done) => store.destroy("a", done));
    expect(await get("a")).toBeNull();
    await call<void>((done) => store.destroy("a", done));
  });

  test("does not return what has ended, and takes it away", async () => {
    await set("a", sessionOf(1000));
    expect(await get("a")).not.toBeNull();
    await new Promise((resolve) => setTimeout(resolve, 1050));
    expect(await call((done) => store.length(done))).toBe(0);
    expect(await get("a")).toBeNull();
    expect((await cluster.client().count({ prefix: "session/" })).count).toBe(0);
  });

  test("a session of a cookie without an age lasts as long as the store says", async () => {
    store = new OmnikvSessionStore(cluster.client(), { ttl: 1 });
    await set("a", sessionOf(null));
    expect(await get("a")).not.toBeNull();
    await new Promise((resolve) => setTimeout(resolve, 1050));
    expect(await get("a")).toBeNull();
  });

  test("a cookie that is told to last as long as the browser, by `false`, ends no session", async () => {
    const data = sessionOf(60_000);
    data.cookie.expires = false as unknown as Date;
    await set("a", data);
    expect(await get("a")).toMatchObject({ user: "Ada" });
    await call<void>((done) => store.touch("a", data, done));
    expect(await get("a")).toMatchObject({ user: "Ada", cookie: { expires: false } });
  });

  test("touch has it last on with what is in it, and makes none", async () => {
    await set("a", sessionOf(1000));
    await call<void>((done) => store.touch("a", sessionOf(60_000, "nobody"), done));
    await new Promise((resolve) => setTimeout(resolve, 1050));
    expect(await get("a")).toMatchObject({ user: "Ada" });
    await call<void>((done) => store.touch("b", sessionOf(60_000), done));
    expect(await get("b")).toBeNull();
  });

  test("tells all and how many, and is cleared", async () => {
    for (const sid of ["a", "b", "c"]) await set(sid, sessionOf(60_000, sid));
    const all = await call<SessionData[] | null>((done) => store.all(done));
    expect(all?.map(({ user }) => user)).toEqual(["a", "b", "c"]);
    expect(await call((done) => store.length(done))).toBe(3);
    await call<void>((done) => store.clear(done));
    expect(await call((done) => store.length(done))).toBe(0);
  });

  test("calls back with the error of the store", async () => {
    await expect(set("a".repeat(5000), sessionOf(60_000))).rejects.toMatchObject({
      code: "KEY_TOO_LARGE",
    });
  });

  test("refuses a time that is none", () => {
    expect(() => new OmnikvSessionStore(cluster.client(), { ttl: -1 })).toThrow(
      "ttl: expected seconds",
    );
  });
});

describe("two servers with the same sessions", () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  async function serve(): Promise<number> {
    const own = new OmnikvSessionStore(cluster.client());
    const use = session({
      store: own,
      secret: "not of this test",
      resave: false,
      saveUninitialized: false,
      rolling: true,
      cookie: { maxAge: 60_000 },
    });
    type Request = IncomingMessage & { session: session.Session & Partial<SessionData> };
    const server = createServer((request: IncomingMessage, response: ServerResponse) => {
      use(request as never, response as never, () => {
        const { session: data } = request as Request;
        if (request.url === "/leave") {
          data.destroy(() => response.end("left"));
          return;
        }
        data.views = (data.views ?? 0) + 1;
        response.end(String(data.views));
      });
    });
    servers.push(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }

  test("count a visitor's visits together, until the visitor leaves", async () => {
    const ports = [await serve(), await serve()];
    const first = await fetch(`http://127.0.0.1:${ports[0]}/`);
    expect(await first.text()).toBe("1");
    const cookie = first.headers.get("set-cookie")?.split(";")[0] ?? "";
    const visit = async (port: number | undefined, path = "/"): Promise<string> =>
      (await fetch(`http://127.0.0.1:${port}${path}`, { headers: { cookie } })).text();
    expect(await visit(ports[1])).toBe("2");
    expect(await visit(ports[0])).toBe("3");
    expect(await visit(ports[1], "/leave")).toBe("left");
    expect(await visit(ports[0])).toBe("1");
  });
});
