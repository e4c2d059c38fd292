// Made by `npm run types` of openapi.json; not to be edited.

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description One launch of a run. */
        AttemptOut: {
            billed_s: number | null;
            charge_usd: number | null;
            claimed_at: string;
            duration_s: number | null;
            ended_at: string | null;
            engine: string;
            exit_code: number | null;
            failed_cell: number | null;
            failure_kind: string | null;
            last_lines: string[];
            message: string | null;
            metrics: {
                [key: string]: number | null;
            };
            next_step: string | null;
            number: number;
            phase: string | null;
            phases: {
                [key: string]: string;
            };
            place: string;
            rate: components["schemas"]["RateOut"] | null;
            resources: components["schemas"]["Resources"];
            signal: number | null;
            started_at: string | null;
            usage: components["schemas"]["UsageOut"];
        };
        /** @description Ticks of the past that are to run, or an end of that. */
        BackfillIn: {
            /** @default false */
            again: boolean;
            /** @default null */
            begin: string | null;
            /** @default true */
            confirm: boolean;
            /** @default null */
            end: string | null;
            /** @default false */
            is_dry: boolean;
            /** @default false */
            stop: boolean;
        };
        /** @description Ticks that a backfill runs, would, or does no more. */
        BackfillOut: {
            asks: string[];
            ceiling_usd: number | null;
            is_started: boolean;
            made: number;
            ticks: number;
        };
        /** @description How a run is to end. */
        CancelIn: {
            /** @default 10 */
            grace_s: number;
        };
        /** @description A run as outputs of the cell that sent it: its card, then what it said and displayed. */
        CellOut: {
            changed: boolean;
            digests: string[];
            is_final: boolean;
            outputs: ({
                [key: string]: unknown;
            } | null)[];
            run_id: string;
        };
        /** @description A program with its arguments. */
        CommandJob: {
            argv: string[];
            /** @default  */
            folder: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            kind: "command";
        };
        /** @description The same launch in other words. */
        Commands: {
            cli: string;
            magic: string;
            python: string;
        };
        /** @description What one group of runs has cost. */
        CostOut: {
            attempts: number;
            engine: string;
            failed_usd: number;
            group: string;
            is_billed: boolean;
            runs: number;
            usd: number;
        };
        /** @description A run and what is to be said of its cost. */
        CostlyRun: {
            run: components["schemas"]["RunOut"];
            text: string;
            usd: number;
        };
        /** @description Costs, the most expensive first. */
        CostsOut: {
            rows: components["schemas"]["CostOut"][];
            since: string | null;
        };
        /** @description What an option is where nobody gives it, and who said so. */
        DefaultOut: {
            source: string;
            value: unknown;
        };
        /** @description Whether anything moves what is queued. */
        DispatcherOut: {
            alive: boolean;
            message: string;
        };
        /** @description What all checks have found. */
        DoctorOut: {
            findings: components["schemas"]["FindingOut"][];
        };
        /** @description What is to be changed of a schedule; what is not there stays. */
        EditIn: {
            /** @default true */
            confirm: boolean;
            /** @default {} */
            options: {
                [key: string]: unknown;
            };
            revision: number;
            /** @default {} */
            schedule: {
                [key: string]: unknown;
            };
            /** @default null */
            what: (components["schemas"]["FileJob"] | components["schemas"]["CommandJob"]) | null;
        };
        /** @description What would be changed of a schedule; what is not there stays. */
        EditPlanIn: {
            /** @default {} */
            options: {
                [key: string]: unknown;
            };
            /** @default {} */
            schedule: {
                [key: string]: unknown;
            };
            /** @default null */
            what: (components["schemas"]["FileJob"] | components["schemas"]["CommandJob"]) | null;
        };
        /** @description A place where jobs can run. */
        EngineOut: {
            bills: boolean;
            default: components["schemas"]["Resources"];
            honours: string[];
            is_default: boolean;
            is_here: boolean;
            message: string;
            name: string;
            next: string | null;
            ok: boolean;
            sizes: components["schemas"]["SizeOut"][] | null;
        };
        /** @description Where jobs can run. */
        EnginesOut: {
            engines: components["schemas"]["EngineOut"][];
        };
        /** @description Why something was not done. */
        Error: {
            code: string;
            message: string;
            next: string | null;
        };
        /** @description One thing that happened to a run. */
        EventOut: {
            at: string;
            detail: {
                [key: string]: unknown;
            };
            name: string;
            seq: number;
        };
        /** @description What a job took in its latest runs. */
        Expectation: {
            cost_p50_usd: number | null;
            cost_p90_usd: number | null;
            duration_p50_s: number;
            duration_p90_s: number;
            runs: number;
        };
        /** @description A notebook or Python file. */
        FileJob: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            kind: "file";
            path: string;
        };
        /** @description A file that an attempt has brought back. */
        FileOut: {
            attempt: number;
            path: string;
            size_bytes: number;
        };
        /** @description A file that travels with a job. */
        FileSize: {
            path: string;
            size_bytes: number;
        };
        /** @description What a check of this machine has found. */
        FindingOut: {
            message: string;
            name: string;
            next: string | null;
            ok: boolean;
        };
        /** @description What a form is for; null: nothing yet. */
        FormIn: {
            /** @default null */
            what: (components["schemas"]["FileJob"] | components["schemas"]["SourceJob"] | components["schemas"]["CommandJob"] | components["schemas"]["RetryJob"]) | null;
        };
        /** @description All that a form needs. */
        FormOut: {
            defaults: {
                [key: string]: components["schemas"]["DefaultOut"];
            };
            engines: components["schemas"]["EngineOut"][];
            options: components["schemas"]["OptionOut"][];
            parameters: components["schemas"]["ParameterOut"][] | null;
            profiles: string[];
            schedule_options: components["schemas"]["OptionOut"][];
        };
        /** @description A record that was searched for. */
        Hit: {
            seq: number;
            text: string;
        };
        /** @description Whether a run is kept whatever its age. */
        KeepIn: {
            /** @default true */
            is_kept: boolean;
        };
        /** @description A name. */
        NameIn: {
            name: string;
        };
        /** @description An executed notebook: so far, while it runs. */
        NotebookOut: {
            is_final: boolean;
            notebook: {
                [key: string]: unknown;
            };
            path: string | null;
        };
        /** @description It is done, and there is nothing to say of it. */
        Nothing: Record<string, never>;
        /** @description One option. */
        OptionOut: {
            alias: string | null;
            field: string;
            group: string;
            help: string;
            is_flag: boolean;
            is_of_some: boolean;
            keyword: string;
            label: string;
            metavar: string;
            name: string;
            repeats: boolean;
        };
        /** @description A value that a cell has given back. */
        OutputOut: {
            name: string;
            size_bytes: number;
            type: string;
        };
        /** @description A parameter of a notebook. */
        ParameterOut: {
            default: unknown;
            default_text: string;
            help: string;
            name: string;
            type: string | null;
        };
        /** @description What is to be planned. */
        PlanIn: {
            /** @default {} */
            options: {
                [key: string]: unknown;
            };
            what: components["schemas"]["FileJob"] | components["schemas"]["SourceJob"] | components["schemas"]["CommandJob"] | components["schemas"]["RetryJob"];
        };
        /** @description What a launch would do and cost. */
        PlanOut: {
            asks: string[];
            ceiling_usd: number | null;
            commands: components["schemas"]["Commands"];
            engine: string;
            expected: components["schemas"]["Expectation"] | null;
            files: components["schemas"]["FileSize"][];
            is_hypothetical: boolean;
            month_usd: number;
            monthly_budget_usd: number | null;
            name: string;
            notes: string[];
            packages: string[];
            place: string;
            recommendation: components["schemas"]["Recommendation"] | null;
            resources: components["schemas"]["Resources"];
            runs: number;
            timeout_s: number | null;
            usd_per_h: number | null;
        };
        /** @description Times in the forms that people write. */
        PreviewIn: {
            /** @default 5 */
            count: number;
            /** @default null */
            end: string | null;
            /** @default null */
            start: string | null;
            /** @default null */
            tz: string | null;
            when: string;
        };
        /** @description What times mean. */
        PreviewOut: {
            upcoming: string[];
            when_text: string;
            zone: string;
        };
        /** @description How far a job is. */
        ProgressOut: {
            fraction: number | null;
            text: string;
        };
        /** @description What an attempt costs while it runs. */
        RateOut: {
            is_hypothetical: boolean;
            provider: string | null;
            region: string;
            source: string;
            usd_per_h: number;
        };
        /** @description A size that earlier runs of the job would have done with. */
        Recommendation: {
            options: {
                [key: string]: unknown;
            };
            text: string;
        };
        /** @description A tick that is to run again. */
        RerunIn: {
            scheduled_at: string;
        };
        /** @description What one attempt of a job may use. */
        Resources: {
            /**
             * @default x86_64
             * @enum {string}
             */
            arch: "x86_64" | "arm64";
            /** @default 1 */
            cpu: number;
            /** @default null */
            disk_gib: number | null;
            /** @default 0 */
            gpu: number;
            /** @default null */
            memory_mib: number | null;
            /** @default false */
            spot: boolean;
        };
        /** @description What is to be changed of a job. */
        RetryIn: {
            /** @default true */
            confirm: boolean;
            /** @default {} */
            options: {
                [key: string]: unknown;
            };
        };
        /** @description An earlier run again. */
        RetryJob: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            kind: "retry";
            run: string;
        };
        /** @description A run that was submitted, or a grid of them. */
        RunCreated: {
            /** @default null */
            grid: string | null;
            run: components["schemas"]["RunOut"];
            /** @default 1 */
            runs: number;
        };
        /** @description One run with all that is known of it. */
        RunDetail: {
            attempt: number;
            attempts: components["schemas"]["AttemptOut"][];
            cancel_requested_at: string | null;
            ceiling_usd: number | null;
            cell_id: string | null;
            cost_text: string;
            cost_usd: number | null;
            created_at: string;
            ended_at: string | null;
            engine: string;
            events: components["schemas"]["EventOut"][];
            explanation: string;
            failure_kind: string | null;
            files: components["schemas"]["FileOut"][];
            grid_id: string | null;
            has_notebook: boolean;
            id: string;
            is_billed: boolean;
            is_kept: boolean;
            /** @enum {string} */
            kind: "notebook" | "cell" | "command";
            message: string | null;
            name: string;
            notebook: string | null;
            outputs: components["schemas"]["OutputOut"][];
            owner: string;
            path: string | null;
            phase: string | null;
            place: string;
            progress: components["schemas"]["ProgressOut"] | null;
            queue: string;
            resources: components["schemas"]["Resources"];
            retry_of: string | null;
            seq: number;
            short_id: string;
            spec: {
                [key: string]: unknown;
            };
            started_at: string | null;
            status: components["schemas"]["RunStatus"];
            status_text: string;
            suggestion: components["schemas"]["Suggestion"] | null;
            tags: {
                [key: string]: string;
            };
            usage: components["schemas"]["UsageOut"] | null;
            usd_per_h: number | null;
        };
        /** @description One run as a list shows it. */
        RunOut: {
            attempt: number;
            cancel_requested_at: string | null;
            ceiling_usd: number | null;
            cell_id: string | null;
            cost_usd: number | null;
            created_at: string;
            ended_at: string | null;
            engine: string;
            failure_kind: string | null;
            grid_id: string | null;
            id: string;
            is_billed: boolean;
            /** @enum {string} */
            kind: "notebook" | "cell" | "command";
            message: string | null;
            name: string;
            notebook: string | null;
            owner: string;
            path: string | null;
            phase: string | null;
            place: string;
            progress: components["schemas"]["ProgressOut"] | null;
            resources: components["schemas"]["Resources"];
            retry_of: string | null;
            seq: number;
            short_id: string;
            started_at: string | null;
            status: components["schemas"]["RunStatus"];
            tags: {
                [key: string]: string;
            };
            usage: components["schemas"]["UsageOut"] | null;
            usd_per_h: number | null;
        };
        /**
         * @description Where a run is. Final means final.
         * @enum {string}
         */
        RunStatus: "QUEUED" | "PENDING" | "RUNNING" | "SUCCEEDED" | "FAILED" | "CANCELLED";
        /** @description A part of a list of runs. */
        RunsPage: {
            next: string | null;
            now: string;
            runs: components["schemas"]["RunOut"][];
            seq: number;
            total: number;
        };
        /** @description One schedule with what became of its ticks. */
        ScheduleDetail: {
            after: string[];
            backfill_waits: number;
            created_at: string;
            edited_at: string;
            edited_by: string;
            ends_at: string | null;
            engine: string;
            history: components["schemas"]["TickOut"][];
            host: string | null;
            id: string;
            is_over: boolean;
            is_placed: boolean;
            /** @enum {string} */
            kind: "cron" | "interval" | "once" | "after";
            latest: components["schemas"]["TickOut"] | null;
            max_age_s: number | null;
            /** @enum {string} */
            missed: "skip" | "last" | "all";
            month_usd: number | null;
            name: string;
            next_at: string | null;
            notebook: string | null;
            options: {
                [key: string]: unknown;
            };
            /** @enum {string} */
            overlap: "skip" | "queue" | "replace" | "allow";
            owner: string;
            paused_at: string | null;
            place: string;
            revision: number;
            source: string;
            starts_at: string | null;
            upcoming: string[];
            waking_note: string | null;
            what_text: string;
            when_text: string;
            /** @enum {string} */
            where: "here" | "cloud";
            zone: string;
        };
        /** @description A schedule that is to be saved. */
        ScheduleIn: {
            /** @default true */
            confirm: boolean;
            /** @default false */
            is_paused: boolean;
            /** @default {} */
            options: {
                [key: string]: unknown;
            };
            schedule: {
                [key: string]: unknown;
            };
            what: components["schemas"]["FileJob"] | components["schemas"]["CommandJob"];
        };
        /** @description A job that runs again and again. */
        ScheduleOut: {
            after: string[];
            created_at: string;
            edited_at: string;
            edited_by: string;
            ends_at: string | null;
            engine: string;
            host: string | null;
            id: string;
            is_over: boolean;
            is_placed: boolean;
            /** @enum {string} */
            kind: "cron" | "interval" | "once" | "after";
            latest: components["schemas"]["TickOut"] | null;
            max_age_s: number | null;
            /** @enum {string} */
            missed: "skip" | "last" | "all";
            month_usd: number | null;
            name: string;
            next_at: string | null;
            notebook: string | null;
            /** @enum {string} */
            overlap: "skip" | "queue" | "replace" | "allow";
            owner: string;
            paused_at: string | null;
            place: string;
            revision: number;
            source: string;
            starts_at: string | null;
            upcoming: string[];
            what_text: string;
            when_text: string;
            /** @enum {string} */
            where: "here" | "cloud";
            zone: string;
        };
        /** @description A schedule that is to be planned. */
        SchedulePlanIn: {
            /** @default {} */
            options: {
                [key: string]: unknown;
            };
            schedule: {
                [key: string]: unknown;
            };
            what: components["schemas"]["FileJob"] | components["schemas"]["CommandJob"];
        };
        /** @description When a schedule would run, and what that would cost. */
        SchedulePlanOut: {
            ceiling_a_month_usd: number | null;
            plan: components["schemas"]["PlanOut"];
            runs_a_month: number | null;
            upcoming: string[];
            waking_note: string | null;
            when_text: string;
            zone: string;
        };
        /** @description All schedules, by name. */
        SchedulesOut: {
            now: string;
            schedules: components["schemas"]["ScheduleOut"][];
            waking_note: string | null;
        };
        /** @description What a search has found. */
        SearchOut: {
            at_end: boolean;
            hits: components["schemas"]["Hit"][];
            last: number;
        };
        /** @description A setting, and where its value came from. */
        SettingOut: {
            description: string;
            name: string;
            source: string;
            value: unknown;
        };
        /** @description All settings. */
        SettingsOut: {
            settings: components["schemas"]["SettingOut"][];
        };
        /** @description Legal memory for a number of vCPU. */
        SizeOut: {
            cpu: number;
            memory_mib: number[];
        };
        /** @description Text that runs as one cell of a fresh kernel. */
        SourceJob: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            kind: "source";
            /** @default null */
            path: string | null;
            source: string;
        };
        /** @description How it stands. */
        StatusOut: {
            cost_month_usd: number;
            cost_today_usd: number;
            counts: {
                [key: string]: number;
            };
            dispatcher: components["schemas"]["DispatcherOut"];
            monthly_budget_usd: number | null;
            now: string;
            owner: string;
            seq: number;
            version: string;
        };
        /** @description A part of an attempt's stream. */
        StreamOut: {
            at_end: boolean;
            at_start: boolean;
            attempt: number;
            first: number;
            is_over: boolean;
            last: number;
            records: {
                [key: string]: unknown;
            }[];
        };
        /** @description What is to be launched. */
        SubmitIn: {
            /** @default true */
            confirm: boolean;
            /** @default {} */
            options: {
                [key: string]: unknown;
            };
            what: components["schemas"]["FileJob"] | components["schemas"]["SourceJob"] | components["schemas"]["CommandJob"] | components["schemas"]["RetryJob"];
        };
        /** @description A retry that may do better. */
        Suggestion: {
            label: string;
            options: {
                [key: string]: unknown;
            };
        };
        /** @description One moment of a schedule, and what became of it. */
        TickOut: {
            author: string | null;
            count: number;
            duration_s: number | null;
            failure_kind: string | null;
            first_at: string | null;
            lag_s: number | null;
            reason: string | null;
            revision: string | null;
            run_id: string | null;
            run_status: components["schemas"]["RunStatus"] | null;
            scheduled_at: string;
            status: components["schemas"]["TickStatus"];
            trigger: string;
        };
        /**
         * @description What became of a tick.
         * @enum {string}
         */
        TickStatus: "MADE" | "WAITING" | "AWAITED" | "SKIPPED" | "MISSED" | "FAILED";
        /** @description What an attempt uses. */
        UsageOut: {
            cpu_percent: number;
            memory_mib: number;
            peak_memory_mib: number;
        };
        /** @description What was used at one moment. */
        UsagePoint: {
            cpu_percent: number;
            memory_mib: number;
            t: number;
        };
        /** @description What an attempt used over time. */
        UsageSeriesOut: {
            limit_mib: number | null;
            points: components["schemas"]["UsagePoint"][];
        };
        /** @description The leaderboards. */
        WasteOut: {
            expensive: components["schemas"]["CostlyRun"][];
            wasteful: components["schemas"]["CostlyRun"][];
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
