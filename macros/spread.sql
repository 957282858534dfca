{% macro spread(relation, amount, weight, partition_by, order_by, share) -%}
    {#- All columns of `relation` and one more, `share`: the part of `amount` that falls to the row, in whole minor units.

        relation      a CTE or a table
        amount        whole minor units to spread (may be negative); the same in every row of a partition
        weight        whole number; negative and NULL weights count as 0 and get nothing
        partition_by  columns, comma separated: what `amount` belongs to
        order_by      columns, comma separated: unique within the partition
        share         name of the new column (BIGINT)

        Largest remainder: every row gets its proportion rounded towards zero, and what is left goes out one unit each to the
        rows that lost most by the rounding; equal losses in the order of `order_by`. So the shares of a partition always add
        up to `amount`, and the result depends on nothing but the rows. NULL where the amount is NULL, or where it is
        not 0 and the weights add up to 0: there is nothing to spread over, and the caller decides. -#}
    select
        * exclude (_amount, _weight, _weights, _floor, _rest, _floors, _place),
        cast(sign(_amount) * (_floor + case when _place <= abs(_amount) - _floors then 1 else 0 end) as bigint) as {{ share }}
    from (
        select
            *,
            sum(_floor) over (partition by {{ partition_by }}) as _floors,
            row_number() over (partition by {{ partition_by }} order by _rest desc nulls last, {{ order_by }}) as _place
        from (
            select
                *,
                abs(_amount) * _weight // nullif(_weights, 0) as _floor,
                abs(_amount) * _weight % nullif(_weights, 0) as _rest
            from (
                select
                    *,
                    cast({{ amount }} as hugeint) as _amount,
                    greatest(coalesce(cast({{ weight }} as hugeint), 0), 0) as _weight,
                    sum(greatest(coalesce({{ weight }}, 0), 0)) over (partition by {{ partition_by }}) as _weights
                from {{ relation }}
                where {{ amount }} <> 0
            ) as weighed
        ) as cut
    ) as placed

    union all

    -- nothing to spread: the windows above are not asked
    select
        *,
        case {{ amount }} when 0 then cast(0 as bigint) end as {{ share }}
    from {{ relation }}
    where {{ amount }} = 0 or {{ amount }} is null
{%- endmacro %}


{% macro from_minor_units(minor, multiplier) -%}
    {#- Whole minor units to DECIMAL(18,4) in major units, exactly: `multiplier` minor units make one major unit (100 for GBP,
        1 for JPY, 1000 for KWD). `/` would be a DOUBLE in DuckDB, so this multiplies. NULL when either is NULL. -#}
    cast(
        try_cast(cast({{ minor }} as hugeint) * (10000 // nullif({{ multiplier }}, 0)) as decimal(18, 0)) * 0.0001
        as decimal(18, 4)
    )
{%- endmacro %}
