import { DarkroomClient } from "@darkroom/client";
import { MediaProcessingToggle } from "@darkroom/client/svelte";
import { mount } from "svelte";

const asked = new URLSearchParams(location.search);
const target = document.querySelector("#switches");
if (target !== null) {
  mount(MediaProcessingToggle, {
    target,
    props: {
      client: new DarkroomClient({ baseUrl: asked.get("darkroom") ?? undefined }),
      language: asked.get("language") === "it" ? "it" : "en",
      models: ["isnet-general-use", "realesrgan-x4plus", "gfpgan-v1.4"],
    },
  });
}
