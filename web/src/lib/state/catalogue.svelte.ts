import type { ModelInfo, OperationInfo, RecipeInfo } from "@darkroom/client";
import { type Trouble, troubleOf } from "../trouble";
import { session } from "./session.svelte";

class Catalogue {
  operations = $state.raw<OperationInfo[]>([]);
  recipes = $state.raw<RecipeInfo[]>([]);
  models = $state.raw<ModelInfo[]>([]);
  trouble = $state<Trouble | null>(null);
  loaded = $state(false);

  #loading: Promise<void> | null = null;

  /** Ask for what there is to do, once. */
  load(): Promise<void> {
    this.#loading ??= this.#ask();
    return this.#loading;
  }

  /** An operation by its name. */
  operation(name: string): OperationInfo | undefined {
    return this.operations.find((one) => one.name === name);
  }

  async #ask(): Promise<void> {
    try {
      const [operations, recipes, status] = await session.ask((client) =>
        Promise.all([client.operations(), client.recipes(), client.models.status()]),
      );
      this.operations = operations;
      this.recipes = recipes;
      this.models = status.models;
      this.trouble = null;
    } catch (error) {
      this.trouble = troubleOf(error);
      this.#loading = null;
    }
    this.loaded = true;
  }
}

/** What there is to do, and with what. */
export const catalogue = new Catalogue();
