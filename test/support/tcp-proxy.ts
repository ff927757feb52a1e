import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** What the network does to a connection between an edge and an engine. */
export type Trouble =
  | "none"
  /** Nobody listens. */
  | "refuse"
  /** Reset at its next request, before a byte of it is answered. */
  | "reset-on-request"
  /** Reset, closed, or silent for ever, once so many bytes of the answer have passed. */
  | { readonly kind: "reset" | "end" | "stall"; readonly afterBytes: number }
  /** The answer comes a byte at a time. */
  | "dribble";

/** Stands between an edge and one engine and misbehaves as told. */
export class TcpProxy {
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();
  #port = 0;
  #trouble: Trouble = "none";
  /** Where connections go on to. */
  targetPort = 0;
  /** How often the trouble in force was met. */
  met = 0;

  static async start(): Promise<TcpProxy> {
    const proxy = new TcpProxy();
    await proxy.#listen();
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Troubles new connections and those that are open. */
  async set(trouble: Trouble): Promise<void> {
    this.#trouble = trouble;
    this.met = 0;
    if (trouble === "refuse") {
      this.#server?.close();
      for (const socket of this.#sockets) socket.resetAndDestroy();
      this.#server = undefined;
    } else if (this.#server === undefined) await this.#listen();
  }

  async stop(): Promise<void> {
    await this.set("refuse");
  }

  async #listen(): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) =>
      this.#serve(client),
    );
    server.listen(this.#port, "127.0.0.1");
    await once(server, "listening");
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  #serve(client: Socket): void {
    const engine = connect({ port: this.targetPort, host: "127.0.0.1", noDelay: true });
    for (const [one, other] of [
      [client, engine],
      [engine, client],
    ] as const) {
      this.#sockets.add(one);
      one.on("error", () => other.resetAndDestroy());
      one.on("close", () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
    client.on("data", (chunk) => {
      if (this.#trouble !== "reset-on-request") return void engine.write(chunk);
      this.met += 1;
      client.resetAndDestroy();
    });
    client.on("end", () => engine.end());
    const passed = { bytes: 0, isOver: false, queue: Promise.resolve() };
    engine.on("data", (chunk) => {
      passed.queue = passed.queue.then(() => this.#answer(client, chunk, passed));
    });
    engine.on("end", () => {
      passed.queue = passed.queue.then(() => {
        if (!passed.isOver) client.end();
      });
    });
  }

  async #answer(client: Socket, chunk: Buffer, passed: Passed): Promise<void> {
    if (passed.isOver || client.destroyed) return;
    const trouble = this.#trouble;
    if (trouble === "dribble") return this.#dribble(client, chunk, passed);
    passed.bytes += chunk.length;
    const over = typeof trouble === "object" ? passed.bytes - trouble.afterBytes : -1;
    if (typeof trouble !== "object" || over < 0) {
      client.write(chunk);
      return;
    }
    passed.isOver = true;
    this.met += 1;
    client.write(chunk.subarray(0, Math.max(0, chunk.length - over)), () => {
      if (trouble.kind === "reset") client.resetAndDestroy();
      if (trouble.kind === "end") client.end();
    });
  }

  async #dribble(client: Socket, chunk: Buffer, passed: Passed): Promise<void> {
    this.met += 1;
    passed.bytes += chunk.length;
    for (const byte of chunk) {
      if (client.destroyed) return;
      client.write(Uint8Array.of(byte));
      // A turn of the event loop, so that the byte leaves alone.
      await new Promise(setImmediate);
    }
  }
}

type Passed = { bytes: number; isOver: boolean; queue: Promise<void> };
