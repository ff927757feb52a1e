import { wait } from "./delay-stream.ts";

/** A Durable Object namespace whose every call takes `delayMs` longer: in Miniflare an object is in the same process. */
export function slowObjects<Namespace extends object>(
  namespace: Namespace,
  delayMs: number,
): Namespace {
  if (delayMs <= 0) return namespace;
  return new Proxy(namespace, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        const result: unknown = Reflect.apply(member, target, args);
        if (key === "get" || key === "getByName") return slowStub(result as object, delayMs);
        if (key === "jurisdiction") return slowObjects(result as object, delayMs);
        return result;
      };
    },
  });
}

function slowStub(stub: object, delayMs: number): object {
  return new Proxy(stub, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key);
      // A stub has a function for any name; `then` must not be one, or awaiting the stub would call the object.
      if (typeof member !== "function" || typeof key === "symbol" || key === "then") return member;
      return async (...args: unknown[]) => {
        await wait(delayMs);
        return Reflect.apply(member, target, args) as unknown;
      };
    },
  });
}
