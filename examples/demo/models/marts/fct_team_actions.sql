with

events as (

    select * from {{ ref('fct_events') }}

),

final as (

    select
        event_id as team_action_id,
        unit_id,
        event_name as action,
        occurred_at

    from events

    where
        event_name in (
            'project_created', 'task_created', 'comment_posted', 'invite_sent', 'invite_accepted'
        )

)

select * from final
