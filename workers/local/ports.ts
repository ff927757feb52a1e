import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** `wanted` when nothing listens there, else any free port. */
export async function freePort(host: string, wanted: number): Promise<number> {
  for (let port = wanted; ; port = LOW + randomInt(HIGH - LOW)) {
    if (port !== 0 && typeof (await tryListen(host, port)) === "number") return port;
  }
}

/** Ports that systems do not give to whoever asks for any: none of those is taken before the caller listens. */
const LOW = 20_000;
const HIGH = 32_000;

/** Says which of the `count` ports from `first` on cannot be listened on, a line for each; `PORT` chose the first. */
export async function portProblems(host: string, first: number, count: number): Promise<string[]> {
  // 0 takes free ports.
  if (first === 0) return [];
  const problems: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const port = first + n;
    const answer = await tryListen(host, port);
    if (typeof answer === "number") continue;
    const which = n === 0 ? `Port ${port}` : `Port ${port} (PORT+${n})`;
    const what = answer === "EADDRINUSE" ? "is taken" : `cannot be listened on (${answer})`;
    problems.push(`${which} ${what}. Choose another with PORT=…`);
  }
  return problems;
}

/** The port that was listened on, or the system's code for why it was not. */
function tryListen(host: string, port: number): Promise<number | string> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, host, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : "closed"));
    });
  });
}
