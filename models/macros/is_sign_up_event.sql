{# Event names that count as a sign-up. #}
{% macro is_sign_up_event(event_name) %}{{ event_name }} in ('signed_up', 'sign_up', 'signup', 'Signed Up'){% endmacro %}
