/** Typed events: `on` gives back what stops it. */

export class Emitter<Events extends object> {
  private readonly listeners: { [K in keyof Events]?: Set<(event: Events[K]) => void> } = {};

  on<K extends keyof Events>(name: K, call: (event: Events[K]) => void): () => void {
    const set = (this.listeners[name] ??= new Set<(event: Events[K]) => void>());
    set.add(call);
    return () => set.delete(call);
  }

  emit<K extends keyof Events>(name: K, event: Events[K]): void {
    for (const call of this.listeners[name] ?? []) call(event);
  }
}
