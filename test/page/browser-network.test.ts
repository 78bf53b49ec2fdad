/** The page's connections keep the promises of the port. The browser's web sockets are stood in for by those of `ws`. */
import { afterAll, beforeAll, vi } from "vitest";
import { WebSocket } from "ws";
import { BrowserNetwork } from "../../src/page/browser/network.ts";
import { nodeClock } from "../../src/machine/runtime/node-clock.ts";
import { WsNetwork } from "../../src/machine/network/ws-network.ts";
import { networkSuite } from "../conformance/network.suite.ts";
import { until } from "../conformance/wait.ts";

/** Nobody need listen for errors of a browser's socket: its end follows. */
class QuietWebSocket extends WebSocket {
  constructor(url: string) {
    super(url);
    this.on("error", () => {});
  }
}

beforeAll(() => vi.stubGlobal("WebSocket", QuietWebSocket));
afterAll(() => vi.unstubAllGlobals());

networkSuite("the page's web sockets", () => ({
  server: new WsNetwork(),
  client: new BrowserNetwork(nodeClock),
  address: { host: "127.0.0.1", port: 0 },
  until,
  close: () => Promise.resolve(),
}));
