// Made from docs/openapi.json by `npm run generate`; changes are overwritten.
/* eslint-disable */
export interface paths {
    "/api/v1/batches": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Batches
         * @description Batches, the newest first.
         */
        get: operations["jobs-batches"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/batches/{batch_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Batch
         * @description A batch: how many of its jobs are in which state.
         */
        get: operations["jobs-batch"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/batches/{batch_id}/archive": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Archive
         * @description All results of a batch in one ZIP, with a list of what each came of; made as it is sent.
         */
        get: operations["jobs-archive"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/batches/{batch_id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel Batch
         * @description Stop every job of a batch that has not ended.
         */
        post: operations["jobs-cancel-batch"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/batches/{batch_id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Batch Events
         * @description Events named `job` for each job of a batch that changes, and `batch` after each; ends with the last job.
         */
        get: operations["jobs-batch-events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/egress": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Egress
         * @description Every connection that was made from this machine: when, to whom, why, and how many bytes.
         *
         *     Whoever's work it was for: a key needs the scope admin.
         */
        get: operations["owner-egress"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Listed
         * @description Stored pictures, the newest first.
         */
        get: operations["images-listed"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/{image_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One
         * @description A stored picture.
         */
        get: operations["images-one"];
        put?: never;
        post?: never;
        /**
         * Delete
         * @description Delete a picture with all its versions. Jobs that work on it are cancelled.
         */
        delete: operations["images-delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/{image_id}/download": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Download
         * @description The file of a picture: as it was stored, whole or in part.
         */
        get: operations["images-download"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/{image_id}/info": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Info
         * @description All that is known of a picture: size, format, EXIF, colours, faces where they are asked for, versions.
         */
        get: operations["images-info"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/{image_id}/link": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Link
         * @description A signed address of the picture with operations in it, for pages that anybody may see.
         */
        post: operations["images-link"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/{image_id}/process": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Process One
         * @description Have a stored picture worked on: gives a job, whose result is a new version of it.
         */
        post: operations["images-process-one"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/{image_id}/thumbnail": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Thumbnail
         * @description A small WebP of a picture; kept, so that the next one who asks need not wait.
         */
        get: operations["images-thumbnail"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Batch
         * @description Have several pictures worked on in the same way: all are accepted, or none.
         */
        post: operations["images-batch"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/fetch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Fetch One
         * @description Store the picture at an address. It is fetched through the one door to the network, and written down.
         */
        post: operations["images-fetch-one"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/process": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Process Any
         * @description Have a picture worked on, one that is stored or one at an address: gives a job.
         */
        post: operations["images-process-any"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/process/sync": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Process Sync
         * @description Have a picture worked on and wait for the result, which is no new version of it.
         */
        post: operations["images-process-sync"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/upload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Upload
         * @description Store 1 to `server.upload_files` pictures. One that is refused costs the others nothing.
         *
         *     201 where all were taken, 207 where some were; where none was, the first one's error.
         */
        post: operations["images-upload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Listed
         * @description Jobs, the newest first, without their reports.
         */
        get: operations["jobs-listed"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One
         * @description A job: its state, how far it is, and its report once it is completed.
         */
        get: operations["jobs-one"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job_id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel
         * @description Stop a job: at once where it waits, else at its next report of progress. One that has ended stays as it is.
         */
        post: operations["jobs-cancel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job_id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Events
         * @description A job as it is now and whenever it changes, as server-sent events named `job`; ends with the job.
         */
        get: operations["jobs-events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job_id}/result": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Result
         * @description The file that came of a job.
         */
        get: operations["jobs-result"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job_id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Retry
         * @description Have a job done again that failed, was cancelled or quarantined.
         */
        post: operations["jobs-retry"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * All Events
         * @description What becomes of all your jobs from now on, as server-sent events named `job`, each a Job.
         */
        get: operations["jobs-all-events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Models
         * @description Every model: what it is for, its licence, and whether it is here.
         */
        get: operations["catalogue-models"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Remove Model
         * @description Delete a model's files.
         */
        delete: operations["catalogue-remove-model"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/models/import": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Import Model
         * @description Bring a model as a file: one that the catalogue knows by its name, or what `darkroom models export` made.
         */
        post: operations["catalogue-import-model"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Operations
         * @description Every operation with the JSON schema of its parameters, from which forms are made.
         */
        get: operations["catalogue-operations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/recipes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Recipes
         * @description Every recipe, built in and the owner's own; one that is not well is left out.
         */
        get: operations["catalogue-recipes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Settings
         * @description The settings that may be changed here, with what is allowed, and why one is locked where it is.
         */
        get: operations["owner-settings"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change
         * @description Change settings, from now on and after a restart: all or none. Jobs that run are begun again with them.
         *
         *     They say what may leave this machine, whoever's it is: a key needs the scope admin.
         */
        patch: operations["owner-change"];
        trace?: never;
    };
    "/api/v1/webhooks/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Listed
         * @description Messages to webhooks, the newest first.
         */
        get: operations["webhooks-listed"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/webhooks/deliveries/{delivery_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One
         * @description A message: what it says, and how often it was sent.
         */
        get: operations["webhooks-one"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/webhooks/deliveries/{delivery_id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Replay
         * @description Send a message once more, under the same identifier; one that is still pending is sent anyway.
         */
        post: operations["webhooks-replay"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/webhooks/secrets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Secrets
         * @description What receivers verify signatures with: the settings' secrets, else the one that the service made for itself.
         */
        get: operations["webhooks-secrets"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Health
         * @description The process lives. Needs no key and tries nothing.
         */
        get: operations["health-health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/i/{signature}/{operations}/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Transformed
         * @description A stored picture with operations in it, made once and kept. Needs no key: the address is signed.
         */
        get: operations["transformed-transformed"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/local-media/models/download/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Download
         * @description Begin to download a model; its progress comes as events. One that is here already is not fetched again.
         */
        post: operations["local-media-download"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/local-media/models/download/{name}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel Download
         * @description Stop a download; what has come is kept, and the next one goes on from there.
         */
        post: operations["local-media-cancel-download"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/local-media/models/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Model Events
         * @description Each download as it is now and whenever it changes, as server-sent events named `model`, each a ModelDownload.
         */
        get: operations["local-media-model-events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/local-media/models/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Models Status
         * @description Every model: what it is for, its licence, and whether it is here.
         */
        get: operations["local-media-models-status"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/local-media/process": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Process
         * @description Process a picture and wait for the result; the picture itself is not kept.
         *
         *     At most `limits.sync_concurrency` are worked on at once; then the answer is 429.
         */
        post: operations["local-media-process"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/local-media/reports/{key}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Report
         * @description The receipt of a result, for as long as it is kept.
         */
        get: operations["local-media-report"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Numbers
         * @description Requests, queue, seconds by operation, models loaded, bytes that left, as Prometheus reads them.
         */
        get: operations["health-numbers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Ready
         * @description Whether the service can take work: everything that it stands on is tried. Needs no key.
         */
        get: operations["health-ready"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description Change brightness, contrast, saturation, gamma and sharpness, or balance colour and contrast automatically. */
        Adjust: {
            /**
             * @description Remove a colour cast, as if the brighter parts were grey on average.
             * @default false
             */
            auto_colour?: boolean;
            /**
             * @description Stretch the tones so that half a percent is black and half a percent white.
             * @default false
             */
            auto_contrast?: boolean;
            /**
             * @description Added to every channel, as a share of full white; 0 changes nothing.
             * @default 0
             */
            brightness?: number;
            /**
             * @description Spread about mid-grey; 1 changes nothing.
             * @default 1
             */
            contrast?: number;
            /**
             * @description Above 1 lightens the middle tones, below 1 darkens them.
             * @default 1
             */
            gamma?: number;
            /**
             * @description Turn the picture grey.
             * @default false
             */
            grayscale?: boolean;
            /**
             * @description Strength of colour: 0 is grey, 1 changes nothing.
             * @default 1
             */
            saturation?: number;
            /**
             * @description Sharpening of brightness at edges; 1 is mild, 0 changes nothing.
             * @default 0
             */
            sharpen?: number;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "adjust";
        };
        /** @description A picture that was made beside the result; ``name`` tells it from the others. */
        AttachmentReport: {
            /** @description What the operation says of it. */
            about?: {
                [key: string]: unknown;
            };
            /**
             * @description Whether it has an alpha channel.
             * @default false
             */
            alpha?: boolean;
            /**
             * @description Bits per channel.
             * @default 8
             */
            bits?: number;
            /** @description Size of the file. */
            bytes?: number | null;
            /** @description jpeg, png, webp, avif, tiff, gif, bmp, svg. */
            format?: string | null;
            /**
             * @description Frames; 1 for a still picture.
             * @default 1
             */
            frames?: number;
            /** @description Pixels down, of one frame. */
            height: number;
            /** @description Whether the encoding keeps every pixel. */
            lossless?: boolean | null;
            /** @description Metadata policy it was written with. */
            metadata?: string | null;
            /** @description File name, where it had one. */
            name?: string | null;
            /** @description Name of the colour profile it came with. */
            profile?: string | null;
            /** @description Lossy quality, 1 to 100. */
            quality?: number | null;
            /** @description Digest of the file's bytes. */
            sha256?: string | null;
            /** @description Chroma subsampling: 4:4:4 or 4:2:0. */
            subsampling?: string | null;
            /** @description Pixels across. */
            width: number;
        };
        /** @description Several jobs that belong together. */
        Batch: {
            /** @description Jobs in each state. */
            counts: {
                [key: string]: number;
            };
            /** Format: date-time */
            created: string;
            done: boolean;
            /** @description 32 hexadecimal digits. */
            id: string;
            /** @description A few of the pictures that are still stored. */
            image_ids: string[];
            /** @description self, jobs, events, cancel, archive */
            links: {
                [key: string]: string;
            };
            /** @description Done to each picture; every parameter, defaults resolved. */
            operations: {
                [key: string]: unknown;
            }[];
            progress: number;
            total: number;
            webhook_url: string | null;
        };
        /**
         * @description Several pictures, and what to do with each.
         * @example {
         *       "images": [
         *         {
         *           "image_id": "0123456789abcdef0123456789abcdef"
         *         },
         *         {
         *           "product_id": "sku-1",
         *           "store_id": "shop 7",
         *           "url": "https://example.org/shoe.jpg"
         *         }
         *       ],
         *       "work": {
         *         "recipe": "web-small"
         *       }
         *     }
         */
        BatchRequest: {
            /** @description The pictures. */
            images: components["schemas"]["Source"][];
            /** @description Is told when the last job has ended. */
            webhook_url?: string | null;
            /** @description What to do with each. */
            work: components["schemas"]["Work"];
        };
        /** @description A face: its box in pixels from the top left, and how sure the detector is. */
        Box: {
            height: number;
            /** @description Eyes, tip of the nose, corners of the mouth. */
            landmarks: [
                number,
                number
            ][];
            left: number;
            score: number;
            top: number;
            width: number;
        };
        /** @description What colours a picture has. */
        Colour: {
            alpha: boolean;
            /** @example #7f7f7f */
            average: string;
            dominant: components["schemas"]["Shade"][];
            grey: boolean;
            profile: string | null;
            space: string | null;
        };
        /** @description One outgoing connection of the ledger. */
        Connection: {
            at: string;
            host: string;
            job: string;
            method: string;
            outcome: string;
            path: string;
            port: number;
            purpose: string;
            received: number;
            scheme: string;
            /** @description Bytes of bodies. */
            sent: number;
            status: number;
            what: string;
        };
        /**
         * @description Choose format, quality, metadata or file size of the result.
         *
         *     The pixels are left as they are; the choice is carried out when the result is written, and the last one counts.
         */
        Convert: {
            /** @description How hard to compress png, webp, avif and gif, 0 (fast) to 9 (small); empty is a middle way. */
            effort?: number | null;
            /**
             * @description With format svg: write an SVG that holds the pixels as a PNG.
             * @default false
             */
            embed?: boolean;
            /** @description Format of the result; empty keeps the source's own, or png where it cannot be kept. */
            format?: ("jpeg" | "png" | "webp" | "avif" | "tiff" | "gif" | "bmp" | "svg") | null;
            /** @description Write webp or avif without loss; empty does so where the source had none. */
            lossless?: boolean | null;
            /** @description private keeps copyright, artist, colour profile and resolution only; keep keeps all but the thumbnail; none keeps nothing. */
            metadata?: ("private" | "keep" | "none") | null;
            /** @description Quality of jpeg, webp and avif; with target_size the highest that is tried. Empty means the source's own for a JPEG (80 to 95), else 90 for jpeg, 85 for webp, 60 for avif. */
            quality?: number | null;
            /** @description Resolution of the colours in jpeg and avif: 4:4:4 is full, 4:2:0 half; auto is full from quality 90 on. */
            subsampling?: ("auto" | "4:4:4" | "4:2:0") | null;
            /** @description Most bytes of the result, as a number or as text like 200kB or 1.5MiB: the highest quality that fits is taken. For jpeg, webp and avif. */
            target_size?: number | null;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "convert";
        };
        /** @description Cut out a rectangle, or cut off an empty border. */
        Crop: {
            /** @description Rows to keep; empty is all below top. */
            height?: number | null;
            /** @description First column to keep, in pixels; empty is 0. */
            left?: number | null;
            /**
             * @description Pixels of border to leave on every side; for trim.
             * @default 0
             */
            margin?: number;
            /**
             * @description How far a pixel may differ and still be border, of 255; for trim.
             * @default 10
             */
            threshold?: number;
            /** @description First row to keep, in pixels; empty is 0. */
            top?: number | null;
            /**
             * @description Cut off the border instead: what is transparent, or, without transparency, of one colour.
             * @default false
             */
            trim?: boolean;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "crop";
            /** @description Columns to keep; empty is all that are right of left. */
            width?: number | null;
        };
        /** @description A message to a webhook, and how far it is. */
        Delivery: {
            attempts: number;
            batch_id: string | null;
            body: {
                [key: string]: unknown;
            };
            /** Format: date-time */
            created: string;
            error: string | null;
            event: string;
            finished: string | null;
            id: string;
            job_id: string | null;
            /** Format: date-time */
            not_before: string;
            /** @enum {string} */
            state: "pending" | "delivered" | "failed";
            /** @description HTTP status of the last answer. */
            status: number | null;
            url: string;
        };
        /** @description Something that the service stands on, really tried just now. */
        Dependency: {
            about?: string | null;
            ok: boolean;
            problem?: string | null;
            /** @description How long the trial took. */
            seconds: number;
        };
        /** @description What left this machine. */
        EgressSummary: {
            /** @description Which purposes the settings allow. */
            allowed: {
                [key: string]: boolean;
            };
            /** @description Connections that were made, by purpose. */
            by_purpose: {
                [key: string]: number;
            };
            connections: number;
            /** @description The newest first. */
            entries: components["schemas"]["Connection"][];
            offline: boolean;
            received: number;
            sent: number;
        };
        /** @description Enlarge, take noise away, lift shadows, stretch contrast, balance colour and sharpen, in that order. */
        Enhance: {
            /**
             * @description Remove a colour cast.
             * @default true
             */
            auto_colour?: boolean;
            /**
             * @description Stretch the tones so that half a percent is black and half a percent white.
             * @default true
             */
            auto_contrast?: boolean;
            /**
             * @description How much of the noise that is found is taken away; 0 is none of it.
             * @default 0.5
             */
            denoise?: number;
            /**
             * @description How far shadows are lifted; light parts stay. 0 leaves them.
             * @default 0
             */
            low_light?: number;
            /**
             * @description How to enlarge; see upscale.
             * @default auto
             * @enum {string}
             */
            method?: "auto" | "model" | "builtin";
            /** @description Model to enlarge with; see upscale. */
            model?: string | null;
            /**
             * @description How many times as large; 1 leaves the size.
             * @default 1
             * @enum {integer}
             */
            scale?: 1 | 2 | 3 | 4;
            /**
             * @description Sharpening of brightness at edges; 1 is mild, 0 changes nothing.
             * @default 1
             */
            sharpen?: number;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "enhance";
        };
        /** @description Cut every face out, upright and square; the result is a sheet of all of them. */
        ExtractFaces: {
            /**
             * @description Faces with fewer pixels across are left out.
             * @default 24
             */
            least?: number;
            /** @description Model to restore with; see restore_faces. */
            model?: string | null;
            /**
             * @description Side of each face in pixels; 0 is as large as it is, 512 where it is restored, which is the least then.
             * @default 0
             */
            resize?: number;
            /** @description Restore the faces, as restore_faces does; empty takes faces.restoration_enabled, on. */
            restore?: boolean | null;
            /** @description How much of the restored face is taken, 0.0 to 1.0; empty takes faces.restoration_strength, 0.8. */
            strength?: number | null;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "extract_faces";
        };
        /** @description A file that was not taken. */
        FailedFile: {
            name: string;
            problem: components["schemas"]["Problem"];
        };
        /** @description Something was wanted, something else was done. */
        Fallback: {
            /**
             * @description Whether it would be so again with the same picture, settings and models: a model is not here.
             * @default false
             */
            lasting?: boolean;
            reason: string;
            used: string;
            wanted: string;
        };
        /** @description Why a job failed. */
        Fault: {
            code: string;
            cure: string | null;
            field?: string | null;
            message: string;
        };
        /**
         * @description A picture at an address, to be stored.
         * @example {
         *       "url": "https://example.org/shoe.jpg"
         *     }
         */
        FetchRequest: {
            /**
             * @description Product it shows.
             * @default
             */
            product_id?: string;
            /**
             * @description Shop it belongs to.
             * @default
             */
            store_id?: string;
            /**
             * Format: uri
             * @description Where to fetch it.
             */
            url: string;
        };
        /** @description Measure what JPEG compression did to a picture, blocks, ringing and steps in smooth tones, and repair it. */
        FixArtifacts: {
            /**
             * @description Smooth steps in runs of tones, with dithering.
             * @default true
             */
            deband?: boolean;
            /**
             * @description builtin needs no model; model runs a network; auto takes a network if one is ready, else builtin.
             * @default auto
             * @enum {string}
             */
            deblock?: "auto" | "builtin" | "model" | "off";
            /**
             * @description Also take noise away: how much of it.
             * @default 0
             */
            denoise?: number;
            /**
             * @description Also fill these rectangles from what is around them, as inpaint does: [left, top, width, height] each, pixels, or shares of the picture where all four are at most 1.
             * @default []
             */
            fill?: [
                number,
                number,
                number,
                number
            ][];
            /** @description Name of a deblocking model; empty takes fbcnn-color. */
            model?: string | null;
            /** @description The JPEG quality to repair, as libjpeg counts; empty takes the file's, or finds it in the pixels. */
            quality?: number | null;
            /**
             * @description Also enlarge so many times afterwards; see upscale, whose defaults it takes.
             * @default 1
             * @enum {integer}
             */
            scale?: 1 | 2 | 3 | 4;
            /**
             * @description How much of the repair is taken.
             * @default 1
             */
            strength?: number;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "fix_artifacts";
            /**
             * @description auto repairs only regions in which blocks are found, where the pixels have to tell; all the whole picture.
             * @default auto
             * @enum {string}
             */
            where?: "auto" | "all";
        };
        /** @description Put the subject into a scene that is drawn for it, with its shadow. */
        GenerateBackground: {
            /**
             * @description Of the paper, for studio, or of the wall, for custom.
             * @default #e8e6e2
             */
            color?: string;
            /** @description Of the result in pixels; else as the picture's. */
            height?: number | null;
            /**
             * @description soft comes from everywhere, dramatic from a spot, natural through a window or through leaves.
             * @default soft
             * @enum {string}
             */
            lighting?: "soft" | "dramatic" | "natural";
            /**
             * @description How far its colours and edges follow the light of the scene; 0 leaves its pixels as they are.
             * @default 0.5
             */
            match?: number;
            /**
             * @description How a picture without transparency is cut out first; see remove_background.
             * @default auto
             * @enum {string}
             */
            method?: "auto" | "model" | "grabcut" | "watershed" | "edges";
            /** @description Matte model for that; see remove_background. */
            model?: string | null;
            /**
             * @description Where the camera is: level with the subject, above it, or right over it, when it lies.
             * @default front
             * @enum {string}
             */
            perspective?: "front" | "angle" | "top_down";
            /**
             * @description Where it is: 0.0 left, 1.0 right.
             * @default 0.5
             */
            position?: number;
            /**
             * @description Words about the scene for an images endpoint, where one is set up; see docs/privacy.md.
             * @default
             */
            prompt?: string;
            /** @description How much of it the surface mirrors; else a little on marble and paper from the front. */
            reflection?: number | null;
            /**
             * @description Chance: the same seed draws the same scene, another a new one.
             * @default 0
             */
            seed?: number;
            /**
             * @description How dark its shadow is; 0 is none.
             * @default 1
             */
            shadow?: number;
            /**
             * @description Share of the frame that the subject fits in.
             * @default 0.62
             */
            size?: number;
            /**
             * @description The scene; custom is a wall of color behind a surface.
             * @default studio
             * @enum {string}
             */
            style?: "white" | "transparent" | "studio" | "marble_desk" | "wooden_table" | "living_room" | "outdoor" | "custom";
            /**
             * @description What the subject stands on, for custom; paper is seamless with the wall.
             * @default oak
             * @enum {string}
             */
            surface?: "paper" | "marble" | "oak" | "walnut" | "deck" | "stone";
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "generate_background";
            /** @description Of the result in pixels; else as the picture's. */
            width?: number | null;
        };
        /** @description The process lives. */
        Health: {
            /** @constant */
            status: "ok";
            version: string;
        };
        /** @description Fill what a mask, boxes or a colour point out from what is around it; all else stays as it is. */
        Inpaint: {
            /**
             * @description Rectangles to fill, [left, top, width, height] each: pixels, or shares of the picture where all four are at most 1.
             * @default []
             */
            boxes?: [
                number,
                number,
                number,
                number
            ][];
            /** @description Fill where the picture has this colour. */
            color?: string | null;
            /**
             * @description Pixels by which all of that is made wider.
             * @default 2
             */
            grow?: number;
            /** @description Path of a picture that is white where to fill and black elsewhere. */
            mask?: string | null;
            /**
             * @description model runs a network; multiscale is Darkroom's own; telea and navier_stokes are OpenCV's; auto takes a network if one is ready, else multiscale.
             * @default auto
             * @enum {string}
             */
            method?: "auto" | "model" | "multiscale" | "telea" | "navier_stokes";
            /** @description Name of an inpainting model; empty takes lama. */
            model?: string | null;
            /**
             * @description How far from that colour, in levels of 255.
             * @default 12
             */
            tolerance?: number;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "inpaint";
        };
        /** @description One picture's work, and how far it is. */
        Job: {
            attempts: number;
            batch_id: string | null;
            /** Format: date-time */
            created: string;
            /** @description The current operation. */
            doing: string;
            error: components["schemas"]["Fault"] | null;
            finished: string | null;
            /** @description 32 hexadecimal digits. */
            id: string;
            image_id: string | null;
            /** @enum {string} */
            lane: "light" | "heavy";
            /** @description self, events, cancel, retry; result once there is one */
            links: {
                [key: string]: string;
            };
            name: string;
            /** @description Every parameter, defaults resolved. */
            operations: {
                [key: string]: unknown;
            }[];
            priority: number;
            progress: number;
            /** @description The receipt, once it is completed. */
            report: components["schemas"]["Report"] | null;
            /** @description What came of it, in answers about one job. */
            result?: components["schemas"]["Version"] | null;
            started: string | null;
            /** @enum {string} */
            state: "scanning" | "pending" | "processing" | "completed" | "failed" | "cancelled" | "quarantined";
            webhook_url: string | null;
        };
        /** @description An address. */
        Link: {
            expires?: string | null;
            url: string;
        };
        /**
         * @description A transformed picture that a signed address is wanted for.
         * @example {
         *       "extension": "auto",
         *       "operations": [
         *         "resize:width=320"
         *       ],
         *       "seconds": 86400
         *     }
         */
        LinkRequest: {
            /**
             * @description Format; auto is AVIF or WebP where the browser takes them.
             * @default auto
             * @enum {string}
             */
            extension?: "auto" | "jpg" | "png" | "webp" | "avif" | "gif";
            /**
             * @description As in Work.
             * @default []
             */
            operations?: (components["schemas"]["Adjust"] | components["schemas"]["Convert"] | components["schemas"]["Crop"] | components["schemas"]["Enhance"] | components["schemas"]["ExtractFaces"] | components["schemas"]["FixArtifacts"] | components["schemas"]["GenerateBackground"] | components["schemas"]["Inpaint"] | components["schemas"]["RemoveBackground"] | components["schemas"]["RemoveWatermark"] | components["schemas"]["ReplaceBackground"] | components["schemas"]["Resize"] | components["schemas"]["RestoreFaces"] | components["schemas"]["Rotate"] | components["schemas"]["Sizes"] | components["schemas"]["SmartCrop"] | components["schemas"]["Upscale"])[];
            /** @description Lossy quality. */
            quality?: number | null;
            /** @description How long it is good, a century at most; empty is for ever. */
            seconds?: number | null;
            /** @description Of the picture; empty is the newest, always. */
            version?: number | null;
        };
        /** @description A download that has begun, or that was not needed. */
        ModelDownload: {
            /** @default  */
            doing?: string;
            name: string;
            problem?: components["schemas"]["Fault"] | null;
            progress: number;
            /** @enum {string} */
            state: "here" | "missing" | "downloading" | "failed";
        };
        /** @description A model: what it is for, whose it is, and whether it is here. */
        ModelInfo: {
            /** @description Size of its files. */
            bytes: number | null;
            /** @description Whether commercial use is allowed; empty where not known. */
            commercial: boolean | null;
            licence: string;
            licence_note: string;
            name: string;
            /** @description Whether it is the user's own entry. */
            own: boolean;
            /** @description Why the last download failed. */
            problem?: components["schemas"]["Fault"] | null;
            /**
             * @description Of a download.
             * @default 0
             */
            progress?: number;
            /** @description Whether its files lie in Darkroom's own folder. */
            removable: boolean;
            scale: number;
            source: string;
            /** @enum {string} */
            state: "here" | "missing" | "downloading" | "failed";
            summary: string;
            task: string;
        };
        /** @description All models. */
        ModelsStatus: {
            auto_download: boolean;
            folder: string;
            models: components["schemas"]["ModelInfo"][];
            offline: boolean;
        };
        /** @description A model that took part in a step. */
        ModelUse: {
            /** @description Whether commercial use is allowed; empty where not known. */
            commercial: boolean | null;
            /** @description sha256 of the weights file. */
            digest: string;
            /** @description Who says that this is the digest; or that nobody does and it was pinned. */
            digest_source: string;
            /** @description The model's licence. */
            licence: string;
            /** @description Catalogue name. */
            name: string;
        };
        /** @description An operation: what it is called, and the JSON schema of its parameters. */
        OperationInfo: {
            /** @description Format `picture` marks a text that names a stored picture. */
            json_schema: {
                [key: string]: unknown;
            };
            /**
             * @description Heavy where it may use a network.
             * @enum {string}
             */
            lane: "light" | "heavy";
            name: string;
            summary: string;
            /** @description Tasks of models that it can use. */
            tasks: string[];
        };
        /** @description How to write the result; what is left out is the format's default, or the settings'. */
        Output: {
            /**
             * @description Empty keeps the picture's own.
             * @example webp
             */
            format?: ("jpeg" | "png" | "webp" | "avif" | "tiff" | "gif" | "bmp" | "svg" | "ppm" | "ico") | null;
            /** @description Keep every pixel, where the format can. */
            lossless?: boolean | null;
            /** @description What is kept of metadata. */
            metadata?: ("private" | "keep" | "none") | null;
            /** @description Lossy quality. */
            quality?: number | null;
            /** @description Choose the quality so that it fits into this. */
            target_bytes?: number | null;
        };
        Page_Batch_: {
            items: components["schemas"]["Batch"][];
            /** @description Give it as `after` for what follows; empty at the end. */
            next?: string | null;
        };
        Page_Delivery_: {
            items: components["schemas"]["Delivery"][];
            /** @description Give it as `after` for what follows; empty at the end. */
            next?: string | null;
        };
        Page_Job_: {
            items: components["schemas"]["Job"][];
            /** @description Give it as `after` for what follows; empty at the end. */
            next?: string | null;
        };
        Page_Picture_: {
            items: components["schemas"]["Picture"][];
            /** @description Give it as `after` for what follows; empty at the end. */
            next?: string | null;
        };
        /** @description A stored picture, by its newest version. */
        Picture: {
            /** Format: date-time */
            created: string;
            /** @description 32 hexadecimal digits. */
            id: string;
            /** @description self, info, download, thumbnail, process */
            links: {
                [key: string]: string;
            };
            name: string;
            /** @description Empty while it is still being fetched. */
            newest: components["schemas"]["Version"] | null;
            product_id: string;
            store_id: string;
            /** @description How many it has. */
            versions: number;
            /**
             * @description Of the upload.
             * @default []
             */
            warnings?: string[];
        };
        /** @description All that is known of a picture. */
        PictureInfo: {
            all_versions: components["schemas"]["Version"][];
            colour: components["schemas"]["Colour"];
            /** Format: date-time */
            created: string;
            /** @description By the names of the EXIF standard; empty where there is none. */
            exif: {
                [key: string]: unknown;
            };
            /** @description Only where they were asked for. */
            faces: components["schemas"]["Box"][] | null;
            /** @description 32 hexadecimal digits. */
            id: string;
            /** @description self, info, download, thumbnail, process */
            links: {
                [key: string]: string;
            };
            name: string;
            /** @description Empty while it is still being fetched. */
            newest: components["schemas"]["Version"] | null;
            /** @description As the decoder sees it. */
            picture: components["schemas"]["PictureReport"];
            product_id: string;
            store_id: string;
            /** @description How many it has. */
            versions: number;
            /**
             * @description Of the upload.
             * @default []
             */
            warnings?: string[];
        };
        /** @description A picture as it came in or went out. */
        PictureReport: {
            /**
             * @description Whether it has an alpha channel.
             * @default false
             */
            alpha?: boolean;
            /**
             * @description Bits per channel.
             * @default 8
             */
            bits?: number;
            /** @description Size of the file. */
            bytes?: number | null;
            /** @description jpeg, png, webp, avif, tiff, gif, bmp, svg. */
            format?: string | null;
            /**
             * @description Frames; 1 for a still picture.
             * @default 1
             */
            frames?: number;
            /** @description Pixels down, of one frame. */
            height: number;
            /** @description Whether the encoding keeps every pixel. */
            lossless?: boolean | null;
            /** @description Metadata policy it was written with. */
            metadata?: string | null;
            /** @description File name, where it had one. */
            name?: string | null;
            /** @description Name of the colour profile it came with. */
            profile?: string | null;
            /** @description Lossy quality, 1 to 100. */
            quality?: number | null;
            /** @description Digest of the file's bytes. */
            sha256?: string | null;
            /** @description Chroma subsampling: 4:4:4 or 4:2:0. */
            subsampling?: string | null;
            /** @description Pixels across. */
            width: number;
        };
        /** @description An error, as RFC 9457 (problem details) writes it: what happened, to what, and what to do about it. */
        Problem: {
            /**
             * @description The kind for programs; docs/errors.md lists all.
             * @example image_not_found
             */
            code: string;
            /** @description What to do about it. */
            cure?: string | null;
            /**
             * @description What happened, to what.
             * @example There is no picture 0f…
             */
            detail: string;
            /** @description The parameter at fault, where there is one. */
            field?: string | null;
            /** @description Of the request, as in the log. */
            request_id?: string | null;
            /**
             * @description HTTP status.
             * @example 404
             */
            status: number;
            /**
             * @description That kind in words.
             * @example There is no such picture.
             */
            title: string;
            /**
             * @description What kind of error, as a URN.
             * @example urn:darkroom:error:image_not_found
             */
            type: string;
        };
        /**
         * @description A picture, and what to do with it.
         * @example {
         *       "image_id": "0123456789abcdef0123456789abcdef",
         *       "operations": [
         *         {
         *           "type": "remove_background"
         *         }
         *       ]
         *     }
         * @example {
         *       "recipe": "web-small",
         *       "url": "https://example.org/shoe.jpg"
         *     }
         */
        ProcessRequest: {
            /**
             * @description Make smaller sizes beside the result: true for the usual three, or NAME=PIXELS each.
             * @default false
             */
            generate_sizes?: boolean | string[];
            /** @description Of a picture that is stored. */
            image_id?: string | null;
            /**
             * @description In order. A text as on the command line, such as upscale:scale=2, is taken in place of an object.
             * @default []
             * @example [
             *       {
             *         "type": "resize",
             *         "width": 800
             *       },
             *       "adjust:contrast=1.1"
             *     ]
             */
            operations?: (components["schemas"]["Adjust"] | components["schemas"]["Convert"] | components["schemas"]["Crop"] | components["schemas"]["Enhance"] | components["schemas"]["ExtractFaces"] | components["schemas"]["FixArtifacts"] | components["schemas"]["GenerateBackground"] | components["schemas"]["Inpaint"] | components["schemas"]["RemoveBackground"] | components["schemas"]["RemoveWatermark"] | components["schemas"]["ReplaceBackground"] | components["schemas"]["Resize"] | components["schemas"]["RestoreFaces"] | components["schemas"]["Rotate"] | components["schemas"]["Sizes"] | components["schemas"]["SmartCrop"] | components["schemas"]["Upscale"])[];
            output?: components["schemas"]["Output"];
            /**
             * @description Higher comes first.
             * @default 0
             */
            priority?: number;
            /**
             * @description Of a picture that is fetched: its product.
             * @default
             */
            product_id?: string;
            /** @description Name of a recipe that is run first. */
            recipe?: string | null;
            /**
             * @description Of a picture that is fetched: its shop.
             * @default
             */
            store_id?: string;
            /** @description Where to fetch it; it is then stored. */
            url?: string | null;
            /** @description Which of its versions; empty is the newest. */
            version?: number | null;
            /** @description Is told when the job has ended. */
            webhook_url?: string | null;
        };
        /** @description Whether the service can take work. */
        Readiness: {
            /** @description database, storage, queue, scanner */
            dependencies: {
                [key: string]: components["schemas"]["Dependency"];
            };
            /** @description Jobs in each state. */
            jobs: {
                [key: string]: number;
            };
            ready: boolean;
        };
        /** @description A recipe. */
        RecipeInfo: {
            builtin: boolean;
            description: string;
            name: string;
            operations: {
                [key: string]: unknown;
            }[];
            output: components["schemas"]["Output"];
        };
        /** @description Cut out the subject: what is behind it becomes transparent. */
        RemoveBackground: {
            /**
             * @description Work out half-transparent pixels from the colours: for hair, fur and fine edges.
             * @default false
             */
            alpha_matting?: boolean;
            /**
             * @description Up to this value of the mask a pixel is background; for alpha_matting.
             * @default 10
             */
            background_threshold?: number;
            /**
             * @description Estimate the subject's own colours at its soft edge, so that no fringe is left.
             * @default true
             */
            decontaminate?: boolean;
            /**
             * @description Width in pixels of the band that is worked out; for alpha_matting.
             * @default 10
             */
            erode_size?: number;
            /**
             * @description From this value of the mask on a pixel is subject; for alpha_matting.
             * @default 240
             */
            foreground_threshold?: number;
            /** @description Path of a picture with white strokes on black over what is subject and was lost: what they run through is kept with them. */
            keep?: string | null;
            /**
             * @description model runs a network; grabcut, watershed and edges need none (grabcut suits most pictures, edges clear outlines on calm backgrounds); auto takes a network if one is ready, else grabcut, and says which.
             * @default auto
             * @enum {string}
             */
            method?: "auto" | "model" | "grabcut" | "watershed" | "edges";
            /** @description Name of a matte model; empty takes isnet-general-use, or another that is ready. */
            model?: string | null;
            /**
             * @description Give the mask itself, as a grey picture: white is the subject.
             * @default false
             */
            only_mask?: boolean;
            /** @description The same over what is background and was kept; where both are white it is removed. */
            remove?: string | null;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "remove_background";
        };
        /** @description Find a watermark and take it out: worked out where several pictures or repetitions tell it, else filled. */
        RemoveWatermark: {
            /** @description The same as [left, top, width, height], pixels or shares of the picture where all are at most 1. */
            box?: [
                number,
                number,
                number,
                number
            ] | null;
            /**
             * @description Paths of further pictures of the same size with the same mark in the same place; with three or more the mark is found, with four its opacity and colour are told well.
             * @default []
             */
            like?: string[];
            /** @description Path of a picture that is white where the mark is, its soft edges too; without it the mark is looked for. */
            mask?: string | null;
            /** @description Inpainting model for what has to be filled; see inpaint. */
            model?: string | null;
            /**
             * @description Where a mark is, if known: whatever looks written there is taken for it. anywhere finds what several pictures share or one repeats.
             * @default anywhere
             * @enum {string}
             */
            region?: "anywhere" | "top_left" | "top" | "top_right" | "center" | "bottom_left" | "bottom" | "bottom_right";
            /**
             * @description How faint a mark may be to be found.
             * @default 0.5
             */
            sensitivity?: number;
            /**
             * @description Give the mask too, beside the result.
             * @default false
             */
            show_mask?: boolean;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "remove_watermark";
        };
        /** @description Put a colour, a gradient, a picture or nothing behind the subject. */
        ReplaceBackground: {
            /**
             * @description Where a linear gradient runs to in degrees: 0 up, 90 right, 180 down.
             * @default 180
             */
            angle?: number;
            /**
             * @description What to put behind the subject.
             * @default color
             * @enum {string}
             */
            background?: "color" | "gradient" | "image" | "transparent";
            /**
             * @description Blur of that picture, in pixels.
             * @default 0
             */
            blur?: number;
            /**
             * @description The colour, for background color.
             * @default white
             */
            color?: string;
            /**
             * @description Two to eight colours separated by spaces, for background gradient.
             * @default white #d9d9d9
             */
            colors?: string;
            /**
             * @description How that picture fills the frame; contain leaves color around it.
             * @default cover
             * @enum {string}
             */
            fit?: "cover" | "contain" | "stretch" | "tile";
            /** @description Path of the picture to put behind, for background image. */
            image?: string | null;
            /**
             * @description How a picture without transparency is cut out first; see remove_background.
             * @default auto
             * @enum {string}
             */
            method?: "auto" | "model" | "grabcut" | "watershed" | "edges";
            /** @description Matte model for that; see remove_background. */
            model?: string | null;
            /**
             * @description Darkness of a soft shadow below the subject; 0 is none.
             * @default 0
             */
            shadow?: number;
            /**
             * @description linear runs along angle, radial from the centre outwards; for gradient.
             * @default linear
             * @enum {string}
             */
            shape?: "linear" | "radial";
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "replace_background";
        };
        /** @description The whole receipt of one picture. */
        Report: {
            /** @description Pictures that were made beside the result. */
            attachments?: components["schemas"]["AttachmentReport"][];
            /** @default 0 */
            decode_seconds?: number;
            /** @default 0 */
            encode_seconds?: number;
            input?: components["schemas"]["PictureReport"] | null;
            /** @description Bytes of memory that were foreseen for it; it is refused where they are not to be had. */
            memory_estimate?: number | null;
            output?: components["schemas"]["PictureReport"] | null;
            /** @description Peak resident memory of the process, in bytes. */
            peak_memory?: number | null;
            /**
             * @default local
             * @enum {string}
             */
            processing_mode?: "local" | "cloud" | "mixed";
            /** @default 0 */
            seconds?: number;
            steps?: components["schemas"]["StepReport"][];
            /**
             * @description Version of Darkroom.
             * @default
             */
            version?: string;
            /** @description What could not be kept, and what to know. */
            warnings?: string[];
        };
        /** @description Resize a picture: to fit, fill, stretch or be padded to a size. */
        Resize: {
            /** @description Colour of the padding; empty is transparent where the picture is, else white. */
            background?: string | null;
            /**
             * @description Let fit, scale and pad make a picture larger than it is. fill and stretch do so when they must.
             * @default false
             */
            enlarge?: boolean;
            /**
             * @description What fill keeps, and where pad puts the picture.
             * @default center
             * @enum {string}
             */
            gravity?: "center" | "top" | "bottom" | "left" | "right" | "top-left" | "top-right" | "bottom-left" | "bottom-right";
            /** @description Target height in pixels; empty follows from the width. */
            height?: number | null;
            /**
             * @description Interpolation; nearest keeps pixel art sharp.
             * @default lanczos3
             * @enum {string}
             */
            kernel?: "nearest" | "linear" | "cubic" | "lanczos3";
            /**
             * @description Mix pixels in linear light: truer for fine bright detail, slower.
             * @default false
             */
            linear?: boolean;
            /**
             * @description fit stays within the size; fill covers it and cuts off what is over; stretch ignores the proportions; pad fits and fills the rest with background. All but fit give exactly the size.
             * @default fit
             * @enum {string}
             */
            mode?: "fit" | "fill" | "stretch" | "pad";
            /** @description A factor instead of a size: 0.5 halves width and height. */
            scale?: number | null;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "resize";
            /** @description Target width in pixels; empty follows from the height. */
            width?: number | null;
        };
        /** @description Make the faces of a picture clear again, and only the faces. */
        RestoreFaces: {
            /**
             * @description Enlarge the whole picture, by Lanczos, so that there is room for the detail of faces.
             * @default 1
             * @enum {integer}
             */
            enlarge?: 1 | 2 | 3 | 4;
            /**
             * @description How far a restored face may be from the face before: 0 is the same, 1 as far as another person's; one that is further is refused.
             * @default 0.5
             */
            max_drift?: number;
            /**
             * @description model runs a network; builtin smooths noise and sharpens edges without one; auto takes a network, and where it fails leaves the face as it is enlarged by Lanczos, with a warning.
             * @default auto
             * @enum {string}
             */
            method?: "auto" | "model" | "builtin";
            /** @description An enlarging model of four times, or a model for faces; empty takes realesrgan-x4plus, or another that is ready. */
            model?: string | null;
            /**
             * @description Side in pixels at which a face is restored; 512 at least.
             * @default 512
             */
            resize?: number;
            /** @description How much of the restored face is taken, 0.0 to 1.0; empty takes faces.restoration_strength, 0.8. */
            strength?: number | null;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "restore_faces";
        };
        /** @description Turn a picture by any angle, and mirror it. */
        Rotate: {
            /**
             * @description Degrees, clockwise. Multiples of 90 lose nothing.
             * @default 0
             */
            angle?: number;
            /** @description Colour of the new corners; empty is transparent where the picture is, else white. */
            background?: string | null;
            /**
             * @description Make the picture large enough to hold all of it; otherwise corners are cut off.
             * @default true
             */
            expand?: boolean;
            /**
             * @description Mirror before turning: horizontal swaps left and right, vertical top and bottom.
             * @default none
             * @enum {string}
             */
            flip?: "none" | "horizontal" | "vertical" | "both";
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "rotate";
        };
        /** @description A setting that the page may change. */
        SettingInfo: {
            default: unknown;
            description: string;
            json_schema: {
                [key: string]: unknown;
            };
            /** @description The same for programs. */
            lock: ("environment" | "not_local_first" | "no_cloud_key") | null;
            /** @description Why it cannot be changed here, where it cannot. */
            locked: string | null;
            value: unknown;
        };
        /**
         * @description Settings to change, by dotted path.
         * @example {
         *       "changes": {
         *         "providers.local_first": true
         *       }
         *     }
         */
        SettingsChange: {
            /**
             * @example {
             *       "providers.local_first": true
             *     }
             */
            changes: {
                [key: string]: unknown;
            };
        };
        /** @description The settings that the page may change, by dotted path. */
        SettingsView: {
            settings: {
                [key: string]: components["schemas"]["SettingInfo"];
            };
        };
        /** @description A colour that stands out, and how much of the picture it is. */
        Shade: {
            /** @example #1f77b4 */
            color: string;
            share: number;
        };
        /** @description Make a thumbnail, a medium and a large size, or any others, beside the picture. */
        Sizes: {
            /**
             * @description Which edge of the picture is given that many pixels.
             * @default longer
             * @enum {string}
             */
            edge?: "longer" | "shorter" | "width" | "height";
            /**
             * @description Enlarge a picture that is smaller; else it keeps its size, and a warning says so.
             * @default false
             */
            enlarge?: boolean;
            /**
             * @description NAME=PIXELS each, or PIXELS alone, 1 to 16384: the length of the chosen edge.
             * @default [
             *       "thumbnail=200",
             *       "medium=800",
             *       "large=1600"
             *     ]
             */
            sizes?: string[];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "sizes";
        };
        /** @description Crop to a size or proportion around faces, what draws the eye, or a focal point. */
        SmartCrop: {
            /** @description Proportion instead of a size, such as 1:1 or 16:9; nothing is scaled. */
            aspect?: string | null;
            /**
             * @description auto takes faces, else attention, else the centre; face keeps all faces in frame where the proportion allows; attention goes by what draws the eye; entropy by detail; center; or a focal point x,y as fractions of width and height, such as 0.5,0.3.
             * @default auto
             */
            gravity?: string;
            /** @description Exact height of the result, in pixels. */
            height?: number | null;
            /**
             * @description Space about each face where there is room, as a share of the face.
             * @default 0.4
             */
            padding?: number;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "smart_crop";
            /** @description Exact width of the result, in pixels. */
            width?: number | null;
        };
        /** @description A picture: one that is stored, or one at an address. */
        Source: {
            /** @description Of a picture that is stored. */
            image_id?: string | null;
            /**
             * @description Of a picture that is fetched: its product.
             * @default
             */
            product_id?: string;
            /**
             * @description Of a picture that is fetched: its shop.
             * @default
             */
            store_id?: string;
            /** @description Where to fetch it; it is then stored. */
            url?: string | null;
            /** @description Which of its versions; empty is the newest. */
            version?: number | null;
        };
        /** @description One operation, carried out. */
        StepReport: {
            /** @description What the step found out or changed. */
            changed?: {
                [key: string]: unknown;
            };
            /**
             * @description Whether a service in the cloud carried it out.
             * @default false
             */
            cloud?: boolean;
            /**
             * @description Where it ran.
             * @default cpu
             */
            device?: string;
            /** @description Inference engine, where a network ran. */
            engine?: string | null;
            fallbacks?: components["schemas"]["Fallback"][];
            /** @description Pixels down, of one frame of what it made. */
            height?: number | null;
            /** @description Models that had to be loaded for it. */
            loaded?: string[];
            /**
             * @description How: builtin, model, or the algorithm's name.
             * @default builtin
             */
            method?: string;
            /** @description Models that took part. */
            models?: components["schemas"]["ModelUse"][];
            /**
             * @description Whether what the picture shows lies elsewhere now, in shares of its width and height: it was cropped, turned, padded.
             * @default false
             */
            moved?: boolean;
            /** @description Name of the operation. */
            operation: string;
            /** @description Every parameter, defaults resolved. */
            parameters?: {
                [key: string]: unknown;
            };
            /** @description Peak resident memory of the process so far, in bytes. */
            peak_memory?: number | null;
            /** @description fp32, bf16, fp16 or int8, where a network ran. */
            precision?: string | null;
            /**
             * @description Who carried it out.
             * @default local
             */
            provider?: string;
            /**
             * @description Wall time of the step.
             * @default 0
             */
            seconds?: number;
            warnings?: string[];
            /** @description Pixels across, of what it made. */
            width?: number | null;
        };
        /** @description What became of an upload: every file has its own answer. */
        Uploaded: {
            errors: components["schemas"]["FailedFile"][];
            images: components["schemas"]["Picture"][];
        };
        /** @description Enlarge a picture two to four times, with a super-resolution network or by edge-aware interpolation. */
        Upscale: {
            /** @description How much noise realesr-general-x4v3 removes, 0 to 1; empty is 1. No other model has it. */
            denoise_strength?: number | null;
            /**
             * @description model runs a network; builtin interpolates and sharpens along edges, without any download; auto takes a network if one is ready and says in the report what it took.
             * @default auto
             * @enum {string}
             */
            method?: "auto" | "model" | "builtin";
            /** @description Name of an upscale model; empty takes realesrgan-x2plus for scale 2 and realesrgan-x4plus above, or another that is ready. Its own scale may differ: the result is resized. */
            model?: string | null;
            /** @description How many input pixels a tile sees beyond its own, at most a quarter of tile; empty or auto takes what suits the network. */
            overlap?: number | null;
            /**
             * @description How many times as wide and as high the result is.
             * @default 2
             * @enum {integer}
             */
            scale?: 2 | 3 | 4;
            /** @description Longest side of a tile, in input pixels; empty or auto takes what suits. */
            tile?: number | null;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "upscale";
        };
        /** @description One state of a picture: number 0 is what was given. */
        Version: {
            bytes: number;
            /** Format: date-time */
            created: string;
            /** @description SHA-256 of the file. */
            digest: string;
            /** @enum {string} */
            format: "jpeg" | "png" | "webp" | "avif" | "tiff" | "gif" | "bmp" | "svg" | "ppm" | "ico";
            frames: number;
            height: number;
            /** @description The job that made it. */
            job_id: string | null;
            /** @description download */
            links: {
                [key: string]: string;
            };
            media_type: string;
            /** @description Empty for the picture itself, else of one that was made beside it. */
            name: string;
            number: number;
            /** @description Pixels; 0 where not known yet. */
            width: number;
        };
        /** @description What messages to webhooks are signed with. */
        WebhookSecrets: {
            /** @description Whether the service made it for itself, as the settings have none. */
            made_here: boolean;
            /** @description Each `whsec_` and base64; several while one takes the other's place. */
            secrets: string[];
        };
        /**
         * @description What to do with a picture: a recipe, then operations, then how to write the result.
         * @example {
         *       "operations": [
         *         {
         *           "type": "remove_background"
         *         },
         *         "resize:width=800"
         *       ],
         *       "output": {
         *         "format": "webp"
         *       }
         *     }
         * @example {
         *       "recipe": "web-small",
         *       "webhook_url": "https://example.org/done"
         *     }
         */
        Work: {
            /**
             * @description Make smaller sizes beside the result: true for the usual three, or NAME=PIXELS each.
             * @default false
             */
            generate_sizes?: boolean | string[];
            /**
             * @description In order. A text as on the command line, such as upscale:scale=2, is taken in place of an object.
             * @default []
             * @example [
             *       {
             *         "type": "resize",
             *         "width": 800
             *       },
             *       "adjust:contrast=1.1"
             *     ]
             */
            operations?: (components["schemas"]["Adjust"] | components["schemas"]["Convert"] | components["schemas"]["Crop"] | components["schemas"]["Enhance"] | components["schemas"]["ExtractFaces"] | components["schemas"]["FixArtifacts"] | components["schemas"]["GenerateBackground"] | components["schemas"]["Inpaint"] | components["schemas"]["RemoveBackground"] | components["schemas"]["RemoveWatermark"] | components["schemas"]["ReplaceBackground"] | components["schemas"]["Resize"] | components["schemas"]["RestoreFaces"] | components["schemas"]["Rotate"] | components["schemas"]["Sizes"] | components["schemas"]["SmartCrop"] | components["schemas"]["Upscale"])[];
            output?: components["schemas"]["Output"];
            /**
             * @description Higher comes first.
             * @default 0
             */
            priority?: number;
            /** @description Name of a recipe that is run first. */
            recipe?: string | null;
            /** @description Is told when the job has ended. */
            webhook_url?: string | null;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    "jobs-batches": {
        parameters: {
            query?: {
                /** @description What `next` of the page before says. */
                after?: string | null;
                /** @description Batches of a page. */
                most?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_Batch_"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "jobs-batch": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Of the batch. */
                batch_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Batch"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "jobs-archive": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Of the batch. */
                batch_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A ZIP. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/zip": string;
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It does not fit what is here. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "jobs-cancel-batch": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Of the batch. */
                batch_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Batch"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "jobs-batch-events": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Of the batch. */
                batch_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": unknown;
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "owner-egress": {
        parameters: {
            query?: {
                /** @description Connections that are listed. */
                most?: number;
                /** @description Only for this purpose. */
                purpose?: ("model" | "source" | "cloud" | "webhook" | "storage" | "scan" | "database" | "broker" | "telemetry") | null;
                /** @description Only from then on. */
                since?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EgressSummary"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "images-listed": {
        parameters: {
            query?: {
                /** @description What `next` of the page before says. */
                after?: string | null;
                /** @description Pictures of a page. */
                most?: number;
                /** @description Only those of it. */
                product_id?: string | null;
                /** @description Only those of it. */
                store_id?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_Picture_"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "images-one": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Of the picture. */
                image_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Picture"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "images-delete": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Of the picture. */
                image_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "images-download": {
        parameters: {
            query?: {
                /** @description Of a picture that was made beside that version. */
                name?: string;
                /** @description Which version; empty is the newest. */
                version?: number | null;
            };
            header?: never;
            path: {
                /** @description Of the picture. */
                image_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file. */
            200: {
                headers: {
                    /** @description Who keeps it. */
                    "Cache-Control"?: string;
                    /** @description What it is called. */
                    "Content-Disposition"?: string;
                    /** @description The file's SHA-256. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "image/*": string;
                };
            };
            /** @description Part of it. */
            206: {
                headers: {
                    /** @description Which bytes, and of how many. */
                    "Content-Range"?: string;
                    /** @description The file's SHA-256. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "image/*": string;
                };
            };
            /** @description It has not changed. */
            304: {
                headers: {
                    /** @description The file's SHA-256. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Where it is, where `server.links` says presigned. */
            307: {
                headers: {
                    /** @description A link to the bucket that ends after a while. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There are no such bytes. */
            416: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "images-info": {
        parameters: {
            query?: {
                /** @description Look for faces too. */
                faces?: boolean;
                /** @description Which version; empty is the newest. */
                version?: number | null;
            };
            header?: never;
            path: {
                /** @description Of the picture. */
                image_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PictureInfo"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It does not fit what is here. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not of a type that is read. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something unexpected happened. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that is needed is not installed. */
            501: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A connection to another host failed. */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not enough memory or disk. */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "images-link": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Of the picture. */
                image_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LinkRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Link"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "images-process-one": {
        parameters: {
            query?: {
                /** @description Which version; empty is the newest. */
                version?: number | null;
            };
            header?: {
                /** @description The same key with the same request gives the same job; with another request, 409. */
                "idempotency-key"?: string | null;
            };
            path: {
                /** @description Of the picture. */
                image_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Work"];
            };
        };
        responses: {
            /** @description Successful Response */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It does not fit what is here. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "images-thumbnail": {
        parameters: {
            query?: {
                /** @description Of a picture that was made beside that version. */
                name?: string;
                /** @description Longer side, in pixels. */
                size?: number;
                /** @description Which version; empty is the newest. */
                version?: number | null;
            };
            header?: never;
            path: {
                /** @description Of the picture. */
                image_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file. */
            200: {
                headers: {
                    /** @description Who keeps it. */
                    "Cache-Control"?: string;
                    /** @description What it is called. */
                    "Content-Disposition"?: string;
                    /** @description The file's SHA-256. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "image/*": string;
                };
            };
            /** @description Part of it. */
            206: {
                headers: {
                    /** @description Which bytes, and of how many. */
                    "Content-Range"?: string;
                    /** @description The file's SHA-256. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "image/*": string;
                };
            };
            /** @description It has not changed. */
            304: {
                headers: {
                    /** @description The file's SHA-256. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It does not fit what is here. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not of a type that is read. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There are no such bytes. */
            416: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something unexpected happened. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that is needed is not installed. */
            501: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A connection to another host failed. */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not enough memory or disk. */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "images-batch": {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same request gives the same job; with another request, 409. */
                "idempotency-key"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BatchRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Batch"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It does not fit what is here. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "images-fetch-one": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FetchRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Picture"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not of a type that is read. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A connection to another host failed. */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not enough memory or disk. */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "images-process-any": {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same request gives the same job; with another request, 409. */
                "idempotency-key"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProcessRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It does not fit what is here. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "images-process-sync": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProcessRequest"];
            };
        };
        responses: {
            /** @description The file. */
            200: {
                headers: {
                    /** @description Who keeps it. */
                    "Cache-Control"?: string;
                    /** @description What it is called. */
                    "Content-Disposition"?: string;
                    /** @description hit or miss. */
                    "Darkroom-Cache"?: string;
                    /** @description The receipt, as JSON, where it is short enough. */
                    "Darkroom-Report"?: string;
                    /** @description The file's SHA-256. */
                    ETag?: string;
                    /** @description Where the whole receipt is. */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "image/*": string;
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It does not fit what is here. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not of a type that is read. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something unexpected happened. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that is needed is not installed. */
            501: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A connection to another host failed. */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not enough memory or disk. */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "images-upload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    /** @description The pictures, each as a field of this name. */
                    file: string[];
                    /** @description Product they show; before the files. */
                    product_id?: string;
                    /** @description Shop they belong to; before the files. */
                    store_id?: string;
                };
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Uploaded"];
                };
            };
            /** @description Some were taken. */
            207: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Uploaded"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not of a type that is read. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "jobs-listed": {
        parameters: {
            query?: {
                /** @description What `next` of the page before says. */
                after?: string | null;
                /** @description Only those of this batch. */
                batch_id?: string | null;
                /** @description Only those on this picture. */
                image_id?: string | null;
                /** @description Jobs of a page. */
                most?: number;
                /** @description Only those in one of these. */
                state?: ("scanning" | "pending" | "processing" | "completed" | "failed" | "cancelled" | "quarantined")[] | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_Job_"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "jobs-one": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Of the job. */
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "jobs-cancel": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Of the job. */
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "jobs-events": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Of the job. */
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": unknown;
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "jobs-result": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Of the job. */
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file. */
            200: {
                headers: {
                    /** @description Who keeps it. */
                    "Cache-Control"?: string;
                    /** @description What it is called. */
                    "Content-Disposition"?: string;
                    /** @description The file's SHA-256. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "image/*": string;
                };
            };
            /** @description Part of it. */
            206: {
                headers: {
                    /** @description Which bytes, and of how many. */
                    "Content-Range"?: string;
                    /** @description The file's SHA-256. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "image/*": string;
                };
            };
            /** @description It has not changed. */
            304: {
                headers: {
                    /** @description The file's SHA-256. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Where it is, where `server.links` says presigned. */
            307: {
                headers: {
                    /** @description A link to the bucket that ends after a while. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It does not fit what is here. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There are no such bytes. */
            416: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "jobs-retry": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Of the job. */
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It does not fit what is here. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "jobs-all-events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": unknown;
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "catalogue-models": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelsStatus"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "catalogue-remove-model": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the model. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "catalogue-import-model": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    /** Format: binary */
                    file: string;
                };
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelsStatus"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It does not fit what is here. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something unexpected happened. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not enough memory or disk. */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "catalogue-operations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperationInfo"][];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "catalogue-recipes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RecipeInfo"][];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "owner-settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SettingsView"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "owner-change": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SettingsChange"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SettingsView"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It does not fit what is here. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something unexpected happened. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "webhooks-listed": {
        parameters: {
            query?: {
                /** @description What `next` of the page before says. */
                after?: string | null;
                /** @description Only about this batch. */
                batch_id?: string | null;
                /** @description Only about this job. */
                job_id?: string | null;
                /** @description Messages of a page. */
                most?: number;
                state?: ("pending" | "delivered" | "failed") | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_Delivery_"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "webhooks-one": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Of the message. */
                delivery_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Delivery"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "webhooks-replay": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Of the message. */
                delivery_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Delivery"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "webhooks-secrets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookSecrets"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "health-health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
        };
    };
    "transformed-transformed": {
        parameters: {
            query?: never;
            header?: {
                accept?: string | null;
            };
            path: {
                name: string;
                operations: string;
                signature: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file. */
            200: {
                headers: {
                    /** @description Who keeps it. */
                    "Cache-Control"?: string;
                    /** @description What it is called. */
                    "Content-Disposition"?: string;
                    /** @description The file's SHA-256. */
                    ETag?: string;
                    /** @description Accept, where it decides the format. */
                    Vary?: string;
                    [name: string]: unknown;
                };
                content: {
                    "image/*": string;
                };
            };
            /** @description Part of it. */
            206: {
                headers: {
                    /** @description Which bytes, and of how many. */
                    "Content-Range"?: string;
                    /** @description The file's SHA-256. */
                    ETag?: string;
                    /** @description Accept, where it decides the format. */
                    Vary?: string;
                    [name: string]: unknown;
                };
                content: {
                    "image/*": string;
                };
            };
            /** @description It has not changed. */
            304: {
                headers: {
                    /** @description The file's SHA-256. */
                    ETag?: string;
                    /** @description Accept, where it decides the format. */
                    Vary?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description No format that is asked for can be given. */
            406: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It does not fit what is here. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not of a type that is read. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There are no such bytes. */
            416: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something unexpected happened. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that is needed is not installed. */
            501: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A connection to another host failed. */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not enough memory or disk. */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "local-media-download": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the model. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelDownload"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "local-media-cancel-download": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name of the model. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelDownload"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "local-media-model-events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": unknown;
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "local-media-models-status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelsStatus"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "local-media-process": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "operations": "[{\"type\": \"resize\", \"width\": 800}]"
                 *     }
                 */
                "multipart/form-data": {
                    /**
                     * Format: binary
                     * @description The picture.
                     */
                    file: string;
                    /** @description JSON: a list of operations, each an object with `type` or a text such as upscale:scale=2; or an object as the body of /api/v1/images/{id}/process. */
                    operations?: string;
                };
            };
        };
        responses: {
            /** @description The file. */
            200: {
                headers: {
                    /** @description Who keeps it. */
                    "Cache-Control"?: string;
                    /** @description What it is called. */
                    "Content-Disposition"?: string;
                    /** @description hit or miss. */
                    "Darkroom-Cache"?: string;
                    /** @description The receipt, as JSON, where it is short enough. */
                    "Darkroom-Report"?: string;
                    /** @description The file's SHA-256. */
                    ETag?: string;
                    /** @description Where the whole receipt is. */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "image/*": string;
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It does not fit what is here. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not of a type that is read. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something unexpected happened. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that is needed is not installed. */
            501: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A connection to another host failed. */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not enough memory or disk. */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "local-media-report": {
        parameters: {
            query?: {
                /** @description What the receipt is to call the picture. */
                name?: string | null;
            };
            header?: never;
            path: {
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Report"];
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not here. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "health-numbers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description For Prometheus. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/openmetrics-text": string;
                };
            };
            /** @description No key, or a wrong one. */
            401: {
                headers: {
                    /** @description Always Bearer. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not allowed. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A value is not allowed. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many at once; Retry-After says when. */
            429: {
                headers: {
                    /** @description Seconds. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that the service stands on is not well, or it goes on with other settings just now. */
            503: {
                headers: {
                    /** @description Seconds, where the code is restarting. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    "health-ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
            /** @description Not ready. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
        };
    };
}

/** Codes of the errors that the service knows. */
export type KnownErrorCode =
  | "access_refused"
  | "address_refused"
  | "bad_result"
  | "batch_not_found"
  | "cancelled"
  | "configuration"
  | "conflict"
  | "consent_missing"
  | "corrupt_image"
  | "database"
  | "delivery_not_found"
  | "device_unavailable"
  | "download_failed"
  | "download_interrupted"
  | "egress_refused"
  | "engine"
  | "error"
  | "extra_missing"
  | "fallback_refused"
  | "file_missing"
  | "host_refused"
  | "image_not_found"
  | "infected"
  | "inference_failed"
  | "input"
  | "input_not_found"
  | "invalid_parameters"
  | "job_not_found"
  | "key_not_found"
  | "ledger"
  | "licence_refused"
  | "limit_exceeded"
  | "model"
  | "model_corrupt"
  | "model_missing"
  | "name_unknown"
  | "network"
  | "not_acceptable"
  | "not_allowed"
  | "not_authenticated"
  | "offline"
  | "origin_refused"
  | "out_of_memory"
  | "output"
  | "provider_failed"
  | "queue"
  | "range"
  | "restarting"
  | "scanner_unavailable"
  | "service"
  | "settings_conflict"
  | "signature"
  | "storage"
  | "timed_out"
  | "too_many_requests"
  | "unknown_model"
  | "unknown_operation"
  | "unknown_recipe"
  | "unsafe_content"
  | "unsafe_weights"
  | "unsupported_format"
  | "unsupported_model"
  | "worker_died";
/** Media types of the pictures that may be uploaded. */
export const MEDIA_TYPES: readonly string[] = [
  "image/jpeg",
  "image/png",
  "image/webp",
  "image/avif",
  "image/tiff",
  "image/gif",
  "image/bmp",
  "image/svg+xml",
  "image/x-portable-pixmap",
  "image/vnd.microsoft.icon",
];
/** How many pictures a batch may have. */
export const MOST_IN_BATCH = 1000;
