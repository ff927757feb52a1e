import { createServer } from "node:net";

/** `wanted` when nothing listens there, else any free port. */
export async function freePort(host: string, wanted: number): Promise<number> {
  return (await tryListen(host, wanted)) ?? (await tryListen(host, 0)) ?? 0;
}

function tryListen(host: string, port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen(port, host, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? address?.port : undefined));
    });
  });
}
