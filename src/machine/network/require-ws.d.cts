import type { WebSocket, WebSocketServer } from "ws";

export declare function requireWs(): {
  readonly WebSocket: typeof WebSocket;
  readonly WebSocketServer: typeof WebSocketServer;
};
