/** GET over HTTP, or HTTPS as our own connections speak it. For small answers. */
import type { IncomingMessage } from "node:http";
import { TLS_TROUBLE, tlsTroubleOf } from "../../base/index.ts";
import { dialTls, REASON_HEADER, type TlsSide } from "../tls/index.ts";

export interface HttpQuestion {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Null: in plain text. */
  readonly tls: TlsSide | null;
  readonly signal: AbortSignal;
  /** A longer answer is no answer of ours. */
  readonly bytesMax: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** Rejects with an Error that says why there is no answer. */
export function httpGet(question: HttpQuestion): Promise<HttpAnswer> {
  const { host, port, path, headers = {}, tls, signal, bytesMax } = question;
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      const trouble = tlsTroubleOf(error);
      reject(trouble === null ? error : new Error(trouble, { cause: error }));
    };
    const take = (response: IncomingMessage): void => {
      const told = response.headers[REASON_HEADER];
      if (typeof told === "string") return void asked.destroy(new Error(`${TLS_TROUBLE}${told}`));
      const parts: Buffer[] = [];
      let length = 0;
      response.on("data", (part: Buffer) => {
        parts.push(part);
        length += part.length;
        if (length > bytesMax) asked.destroy(new Error("its answer has no end"));
      });
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(parts).toString("utf8"),
        }),
      );
      response.on("error", fail);
    };
    // Loaded with the first question: a program that imports the client must not wait for it.
    const { request } = process.getBuiltinModule("node:http");
    const asked = request(
      {
        host,
        port,
        path,
        signal,
        headers: { ...headers },
        ...(tls === null
          ? { agent: false }
          : { createConnection: () => dialTls(tls, { host, port }) }),
      },
      take,
    );
    asked.on("error", fail);
    asked.end();
  });
}
