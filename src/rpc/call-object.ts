/**
 * Calls an object and answers within `timeoutMs`, retrying once with a fresh stub where the platform says that helps.
 * Only for calls that may happen twice. A call that timed out may still take effect.
 */
export async function callObject<Stub, Answer>(
  stubFactory: () => Stub,
  call: (stub: Stub) => Promise<Answer>,
  options: CallOptions = {},
): Promise<Outcome<Answer>> {
  const timer = startTimer(options.timeoutMs ?? 5000);
  try {
    return await Promise.race([attempts(stubFactory, call, options, timer.isOver), timer.over]);
  } finally {
    timer.stop();
  }
}

/** The object's answer, or why there is none. */
export type Outcome<Answer> = { readonly kind: "answered"; readonly value: Answer } | Lost;

export type Lost = {
  readonly kind: "lost";
  readonly why: "timeout" | "overloaded" | "failed";
  readonly message: string;
};

export type CallOptions = {
  readonly timeoutMs?: number;
  /** Longest wait before the second attempt. */
  readonly backoffMs?: number;
  readonly random?: () => number;
};

async function attempts<Stub, Answer>(
  stubFactory: () => Stub,
  call: (stub: Stub) => Promise<Answer>,
  options: CallOptions,
  isOver: () => boolean,
): Promise<Outcome<Answer>> {
  const first = await attempt(stubFactory, call);
  if (first.kind === "answered" || !first.mayRetry) return withoutAdvice(first);
  await delay((options.backoffMs ?? 100) * (options.random ?? Math.random)());
  if (isOver()) return withoutAdvice(first);
  return withoutAdvice(await attempt(stubFactory, call));
}

type Attempt<Answer> =
  | { readonly kind: "answered"; readonly value: Answer }
  | (Lost & { readonly mayRetry: boolean });

async function attempt<Stub, Answer>(
  stubFactory: () => Stub,
  call: (stub: Stub) => Promise<Answer>,
): Promise<Attempt<Answer>> {
  try {
    return { kind: "answered", value: await call(stubFactory()) };
  } catch (error) {
    const isOverloaded = flag(error, "overloaded");
    return {
      kind: "lost",
      why: isOverloaded ? "overloaded" : "failed",
      message: error instanceof Error ? error.message : String(error),
      mayRetry: flag(error, "retryable") && !isOverloaded,
    };
  }
}

function withoutAdvice<Answer>(attempt: Attempt<Answer>): Outcome<Answer> {
  if (attempt.kind === "answered") return attempt;
  return { kind: "lost", why: attempt.why, message: attempt.message };
}

function flag(error: unknown, name: "overloaded" | "retryable"): boolean {
  return typeof error === "object" && error !== null && Reflect.get(error, name) === true;
}

function startTimer(timeoutMs: number) {
  let isOver = false;
  let handle: ReturnType<typeof setTimeout> | null = null;
  const over = new Promise<Lost>((resolve) => {
    handle = setTimeout(() => {
      isOver = true;
      resolve({ kind: "lost", why: "timeout", message: `no answer within ${timeoutMs} ms` });
    }, timeoutMs);
  });
  return { over, isOver: () => isOver, stop: () => handle !== null && clearTimeout(handle) };
}

function delay(waitMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, waitMs);
  });
}
