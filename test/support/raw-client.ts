import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { LocalMesh } from "../../workers/local/mesh.ts";
import { requestOf, type Question } from "./ask.ts";
import { until } from "./until.ts";

/** A client on a bare socket, which can leave in ways that `fetch` cannot. */
export class RawClient {
  readonly #socket: Socket;
  #heard = "";

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => (this.#heard += chunk.toString("latin1")));
    socket.on("error", () => {});
  }

  /** Sends a whole request. */
  static async ask(mesh: LocalMesh, question: Question): Promise<RawClient> {
    const { url, headers, body } = requestOf(mesh, question);
    const { hostname, port, pathname } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    await once(socket, "connect");
    const lines = Object.entries({
      host: `${hostname}:${port}`,
      ...headers,
      "content-length": String(Buffer.byteLength(body)),
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`POST ${pathname} HTTP/1.1\r\n${lines.join("")}\r\n${body}`);
    return new RawClient(socket);
  }

  get heard(): string {
    return this.#heard;
  }

  /** Resolves when what came so far matches. */
  async hears(pattern: RegExp, withinMs = 10_000): Promise<void> {
    const heard = () => pattern.test(this.#heard) || undefined;
    await until(`the client to hear ${pattern}`, heard, withinMs).catch((cause: Error) => {
      throw new Error(`${cause.message}; it heard ${JSON.stringify(this.#heard.slice(-500))}`);
    });
  }

  /** Leaves with a TCP reset. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** Leaves with a TCP FIN: its next word is answered with a reset. */
  close(): void {
    this.#socket.destroy();
  }

  /** Reads no more until `resume`. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }
}
