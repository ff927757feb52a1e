/** Calls of Durable Objects by name, such as `Session.open`, counted where they are made. */
export class CallCounts {
  readonly calls = new Map<string, number>();

  /** A namespace whose stubs count their calls as those of `className`. */
  of<Namespace extends object>(namespace: Namespace, className: string): Namespace {
    return new Proxy(namespace, {
      get: (target, key) => {
        const member: unknown = Reflect.get(target, key);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          const result: unknown = Reflect.apply(member, target, args);
          return key === "get" ? this.#stub(result as object, className) : result;
        };
      },
    });
  }

  #stub(stub: object, className: string): object {
    return new Proxy(stub, {
      get: (target, key) => {
        const member: unknown = Reflect.get(target, key);
        // A stub has a function for any name; `then` must not be one, or awaiting the stub would call the object.
        if (typeof member !== "function" || typeof key === "symbol" || key === "then") {
          return member;
        }
        return (...args: unknown[]) => {
          const name = `${className}.${key}`;
          this.calls.set(name, (this.calls.get(name) ?? 0) + 1);
          return Reflect.apply(member, target, args) as unknown;
        };
      },
    });
  }
}
