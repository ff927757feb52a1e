/** Runs around every call to an object; `id` is the object's own. */
export type Around = (id: string, call: () => unknown) => Promise<unknown>;

/** A Durable Object namespace with something around every call to its objects. */
export function aroundCalls<Namespace extends object>(
  namespace: Namespace,
  around: Around,
): Namespace {
  return new Proxy(namespace, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        const result: unknown = Reflect.apply(member, target, args);
        if (key === "get" || key === "getByName") return aroundStub(result as object, around);
        return key === "jurisdiction" ? aroundCalls(result as object, around) : result;
      };
    },
  });
}

function aroundStub(stub: object, around: Around): object {
  const id = String((stub as { readonly id?: unknown }).id);
  return new Proxy(stub, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key);
      // A stub has a function for any name; `then` must not be one, or awaiting the stub would call the object.
      if (typeof member !== "function" || typeof key === "symbol" || key === "then") return member;
      return (...args: unknown[]) => around(id, () => Reflect.apply(member, target, args));
    },
  });
}
