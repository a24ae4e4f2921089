import "./app.css";
import { mount } from "svelte";
import Docs from "./Docs.svelte";
import { speech } from "./lib/i18n/index.svelte";

await speech.start();
mount(Docs, { target: document.getElementById("page") as HTMLElement });
